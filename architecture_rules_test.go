package hearth_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

const modulePath = "github.com/hearthd/hearth"

// arrows lists, for each top directory, the other top directories that it may
// import. "root" is the root package. Besides these, packages of one top
// directory may import each other, and everything but the root package may
// import internal. docs/ARCHITECTURE.md says why the arrows are what they are.
var arrows = map[string][]string{
	"root":       {},
	"api":        {"root"},
	"edge":       {"root", "api"},
	"services":   {"root", "api"},
	"invoke":     {"root", "runtimeapi", "sandbox"},
	"runtimeapi": {"root"},
	"sandbox":    {"root"},
	"store":      {"root"},
	"telemetry":  {"root"},
	"runtimes":   {"root"},
	"console":    {},
	"internal":   {},
	"examples":   {},
	"node":       {anyStage},
	"cmd":        {"root", "api", "node"},
	"test":       {anyStage},
}

// within lists, for the packages of three stages that are many, which packages of
// their own stage they may import. A package that is not listed may import none; a
// test may import the doubles of its stage. What several need stands below them: an
// arrow to a neighbour is a decision, and is made here.
var within = map[string][]string{
	"edge/auth":          {"edge/own", "edge/policy/document", "edge/scope"},
	"edge/control":       {"edge/archive", "edge/listing", "edge/scope"},
	"edge/invocation":    {"edge/scope"},
	"edge/layers":        {"edge/archive", "edge/listing", "edge/scope"},
	"edge/logview":       {"edge/scope"},
	"edge/mapping":       {"edge/listing", "edge/resource", "edge/scope"},
	"edge/policy":        {"edge/policy/document", "edge/scope"},
	"edge/resource":      {"edge/listing", "edge/scope"},
	"edge/unserved":      {"edge/scope"},
	"invoke/dispatch":    {"invoke/environment"},
	"invoke/environment": {"invoke/output", "invoke/variables"},
	"invoke/pool":        {"invoke/environment"},
	"invoke/provision":   {"invoke/pool"},
	"invoke/queue":       {"invoke/destination", "invoke/dispatch", "invoke/queue/journal"},

	"cmd/hearth/code": {"cmd/hearth/exit"},
	"cmd/hearth": {
		"cmd/hearth/daemon", "cmd/hearth/doctor", "cmd/hearth/exit", "cmd/hearth/remote", "cmd/hearth/remote/deploy",
		"cmd/hearth/remote/invoke", "cmd/hearth/remote/observe", "cmd/hearth/single", "cmd/hearth/terminal",
	},
	"cmd/hearth/daemon":            {"cmd/hearth/daemon/config", "cmd/hearth/terminal"},
	"cmd/hearth/daemon/config":     {"cmd/hearth/exit"},
	"cmd/hearth/doctor":            {"cmd/hearth/exit", "cmd/hearth/terminal"},
	"cmd/hearth/remote":            {"cmd/hearth/exit", "cmd/hearth/terminal"},
	"cmd/hearth/remote/deploy":     {"cmd/hearth/code", "cmd/hearth/exit", "cmd/hearth/remote", "cmd/hearth/terminal"},
	"cmd/hearth/remote/invoke":     {"cmd/hearth/exit", "cmd/hearth/remote", "cmd/hearth/terminal"},
	"cmd/hearth/remote/observe":    {"cmd/hearth/exit", "cmd/hearth/remote", "cmd/hearth/terminal"},
	"cmd/hearth/remote/remotetest": {"cmd/hearth/exit", "cmd/hearth/remote", "cmd/hearth/terminal"},
	"cmd/hearth/single":            {"cmd/hearth/code", "cmd/hearth/exit", "cmd/hearth/terminal"},
	"cmd/hearth/terminal":          {"cmd/hearth/exit"},
}

// stagesWithin are those that within lists.
var stagesWithin = []string{"edge", "invoke", "cmd"}

// maxMethods is how many methods an interface may have. Those that have more, and
// why, are listed.
const maxMethods = 4

var widerInterfaces = []string{
	"sandbox.Sandbox", "store.KV", "store.Blobs", // contracts of drivers, each with a suite
	"invoke/pool.Environment", // a whole life, of two kinds of environments
	"runtimeapi.protocol",     // what the two kinds of sessions do differently
}

const anyStage = "*"

// A source is one Go file; its path is slash-separated and relative to the
// module's root.
type source struct{ path, text string }

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// stage returns the top directory of a file, "root" for the root package's.
func (s source) stage() string {
	if s.dir() == "." {
		return "root"
	}
	top, _, _ := strings.Cut(s.path, "/")
	return top
}

// checkArchitecture returns every violation in the files, in a stable order,
// and an error when a file does not parse.
func checkArchitecture(sources []source) ([]string, error) {
	var violations []string
	comments := packageComments{}
	for _, s := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), s.path, s.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		comments.add(s, file)
		if _, known := arrows[s.stage()]; !known {
			violations = append(violations, fmt.Sprintf("%s: %s is not a stage of docs/ARCHITECTURE.md; add it to the allow-list there and here, or move it", s.path, s.stage()))
			continue
		}
		found, err := checkImports(s, file)
		if err != nil {
			return nil, err
		}
		violations = append(violations, found...)
		violations = append(violations, checkInit(s, file)...)
		violations = append(violations, checkInterfaces(s, file)...)
	}
	return append(violations, comments.check()...), nil
}

func checkImports(s source, file *ast.File) ([]string, error) {
	var violations []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import path: %w", s.path, err)
		}
		if v := checkImportName(s, spec, imported); v != "" {
			violations = append(violations, v)
		}
		if v := checkImport(s, imported); v != "" {
			violations = append(violations, v)
		}
	}
	return violations, nil
}

// checkImportName refuses blank imports, which exist for their init functions,
// and dot imports.
func checkImportName(s source, spec *ast.ImportSpec, imported string) string {
	switch {
	case spec.Name == nil:
		return ""
	case spec.Name.Name == "_" && !s.isTest() && imported != "embed":
		return fmt.Sprintf("%s: blank import of %s", s.path, imported)
	case spec.Name.Name == ".":
		return fmt.Sprintf("%s: dot import of %s", s.path, imported)
	default:
		return ""
	}
}

func checkImport(s source, imported string) string {
	ours := imported == modulePath || strings.HasPrefix(imported, modulePath+"/")
	switch {
	case s.stage() == "root" && !s.isTest() && !isStandard(imported):
		return fmt.Sprintf("%s: the root package imports %s; it imports the standard library only", s.path, imported)
	case ours:
		return checkArrow(s, imported)
	case strings.HasPrefix(imported, "github.com/nats-io/") && !strings.HasPrefix(s.dir()+"/", "store/jetstream/"):
		return fmt.Sprintf("%s: imports %s; only store/jetstream speaks NATS", s.path, imported)
	case strings.HasPrefix(imported, "github.com/aws/") && !mayUseAWS(s, imported):
		return fmt.Sprintf("%s: imports %s; AWS SDKs are for tests and examples", s.path, imported)
	default:
		return ""
	}
}

func checkArrow(s source, imported string) string {
	from := s.stage()
	to, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(imported, modulePath), "/"), "/")
	if to == "" {
		to = "root"
	}
	if to == from && slices.Contains(stagesWithin, from) {
		return checkWithin(s, strings.TrimPrefix(imported, modulePath+"/"))
	}
	allowed := to == from || to == "internal" ||
		slices.Contains(arrows[from], to) || slices.Contains(arrows[from], anyStage) ||
		s.isTest() && isTestDouble(imported)
	if allowed {
		return ""
	}
	return fmt.Sprintf("%s: %s may not import %s (%s)", s.path, from, to, imported)
}

// checkWithin looks at an import of a package of the same stage.
func checkWithin(s source, imported string) string {
	if imported == s.dir() || slices.Contains(within[s.dir()], imported) || s.isTest() {
		return ""
	}
	return fmt.Sprintf("%s: %s may not import its neighbour %s; move what both need below them, or add the arrow to the list", s.path, s.dir(), imported)
}

// checkInterfaces reports interfaces that ask for more than a consumer should need
// of one thing. Embedded interfaces count by themselves.
func checkInterfaces(s source, file *ast.File) []string {
	if s.isTest() || ast.IsGenerated(file) {
		return nil
	}
	var violations []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		declared, ok := spec.Type.(*ast.InterfaceType)
		if !ok {
			return true
		}
		methods := 0
		for _, field := range declared.Methods.List {
			methods += len(field.Names)
		}
		name := strings.TrimPrefix(s.dir()+"."+spec.Name.Name, "./")
		if methods > maxMethods && !slices.Contains(widerInterfaces, name) {
			violations = append(violations, fmt.Sprintf("%s: interface %s has %d methods; %d are the most", s.path, name, methods, maxMethods))
		}
		return true
	})
	return violations
}

// isTestDouble reports whether a package exists for the tests of others: an
// in-memory implementation of a contract, or its suite.
func isTestDouble(imported string) bool {
	base := path.Base(imported)
	return base == "mem" || strings.HasSuffix(base, "test")
}

func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func mayUseAWS(s source, imported string) bool {
	if s.isTest() || s.stage() == "test" || s.stage() == "examples" {
		return true
	}
	// The frames of a streamed response; the codec is AWS's own.
	return s.stage() == "api" && imported == "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
}

func checkInit(s source, file *ast.File) []string {
	var violations []string
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Recv == nil && fn.Name.Name == "init" {
			violations = append(violations, s.path+": declares func init; register things in a visible list instead")
		}
	}
	return violations
}

// packageComments counts the package comments of each package: a directory and
// a package name. Test files count only where a directory has nothing else.
type packageComments map[packageKey]*packageDocs

type packageKey struct{ dir, name string }

type packageDocs struct {
	product, documented, documentedTests []string
}

func (c packageComments) add(s source, file *ast.File) {
	key := packageKey{s.dir(), file.Name.Name}
	if c[key] == nil {
		c[key] = &packageDocs{}
	}
	docs := c[key]
	documented := file.Doc != nil && file.Doc.Text() != ""
	switch {
	case !s.isTest():
		docs.product = append(docs.product, s.path)
		if documented {
			docs.documented = append(docs.documented, s.path)
		}
	case documented:
		docs.documentedTests = append(docs.documentedTests, s.path)
	}
}

func (c packageComments) check() []string {
	product := map[string]bool{} // directories with files that are not tests
	for key, docs := range c {
		if len(docs.product) > 0 {
			product[key.dir] = true
		}
	}
	var violations []string
	keys := slices.SortedFunc(maps.Keys(c), func(a, b packageKey) int {
		return strings.Compare(a.dir+" "+a.name, b.dir+" "+b.name)
	})
	for _, key := range keys {
		docs := c[key]
		found := docs.documented
		if len(docs.product) == 0 {
			if product[key.dir] {
				continue // the tests of a package, which has its own comment
			}
			found = docs.documentedTests
		}
		if len(found) == 1 {
			continue
		}
		where := ""
		if len(found) > 0 {
			where = " (" + strings.Join(found, ", ") + ")"
		}
		violations = append(violations, fmt.Sprintf("%s: package %s has %d package comments%s; it needs exactly one", key.dir, key.name, len(found), where))
	}
	return violations
}
