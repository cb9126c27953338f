package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// The budgets.
const (
	packageLines  = 1500
	fileLines     = 400
	functionLines = 100 // any function
	functionP90   = 45  // nine of ten functions of a package
	goPerThousand = 1.5 // go statements per 1,000 lines, over the module
)

// sizes is what was measured, in lines.
type sizes struct {
	packages  map[string]*packageSize // by directory
	files     map[string]int
	functions map[string]int // "path: name"
	lines     int
	goStmts   int
}

type packageSize struct {
	lines     int
	functions []int
}

// measure reads every Go file of the module at fsys. Nested modules, testdata
// and directories that the go command ignores are left out.
func measure(fsys fs.FS) (*sizes, error) {
	s := &sizes{packages: map[string]*packageSize{}, files: map[string]int{}, functions: map[string]int{}}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignored(fsys, name):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		default:
			return s.addFile(fsys, name)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	return s, nil
}

func ignored(fsys fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func (s *sizes) addFile(fsys fs.FS, name string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(file) {
		return nil
	}
	lines := strings.Count(string(text), "\n")
	pkg := s.packages[path.Dir(name)]
	if pkg == nil {
		pkg = &packageSize{}
		s.packages[path.Dir(name)] = pkg
	}
	pkg.lines += lines
	s.files[name] = lines
	s.lines += lines
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			length := set.Position(node.End()).Line - set.Position(node.Pos()).Line + 1
			s.functions[name+": "+node.Name.Name] = length
			pkg.functions = append(pkg.functions, length)
		case *ast.GoStmt:
			s.goStmts++
		}
		return true
	})
	return nil
}

// report returns a line for the module, and one for each budget exceeded.
func (s *sizes) report() []string {
	out := []string{fmt.Sprintf("%d lines in %d packages, %d go statements", s.lines, len(s.packages), s.goStmts)}
	if float64(s.goStmts) > goPerThousand*float64(s.lines)/1000 {
		out = append(out, fmt.Sprintf("over budget: %d go statements in %d lines; %.1f per 1,000 lines", s.goStmts, s.lines, goPerThousand))
	}
	for _, dir := range slices.Sorted(maps.Keys(s.packages)) {
		pkg := s.packages[dir]
		if pkg.lines > packageLines {
			out = append(out, fmt.Sprintf("over budget: package %s has %d lines; %d", dir, pkg.lines, packageLines))
		}
		if p90 := percentile(pkg.functions, 90); p90 > functionP90 {
			out = append(out, fmt.Sprintf("over budget: package %s has functions of %d lines at p90; %d", dir, p90, functionP90))
		}
	}
	return append(append(out, over("file", s.files, fileLines)...), over("function", s.functions, functionLines)...)
}

func over(kind string, lines map[string]int, budget int) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		if lines[name] > budget {
			out = append(out, fmt.Sprintf("over budget: %s %s has %d lines; %d", kind, name, lines[name], budget))
		}
	}
	return out
}

// percentile returns the value that p percent of the values do not exceed; 0
// of none.
func percentile(values []int, p int) int {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*p+99)/100-1]
}
