package hearth_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestArchitecture_Repository holds every Go file of the module to the rules
// of architecture_rules_test.go. The files are read here, not through
// `go list`, so that the test cache notices when one of them changes.
func TestArchitecture_Repository(t *testing.T) {
	sources := readModule(t, os.DirFS("."))
	for _, want := range []string{"doc.go", "sandbox/sandbox.go", "architecture_test.go"} {
		if !slices.ContainsFunc(sources, func(s source) bool { return s.path == want }) {
			t.Fatalf("%s was not read: the walk is broken, and an empty walk breaks no rule", want)
		}
	}
	violations, err := checkArchitecture(sources)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

// readModule returns the Go files of the module rooted at fsys. Nested
// modules, testdata and directories that the go command ignores are left out.
func readModule(t *testing.T, fsys fs.FS) []source {
	t.Helper()
	var sources []source
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return descend(fsys, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		sources = append(sources, source{path: name, text: string(text)})
		return err
	})
	if err != nil {
		t.Fatalf("read the module: %v", err)
	}
	return sources
}

// descend returns fs.SkipDir for a directory that is not part of the module.
func descend(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if slices.Contains([]string{"testdata", "node_modules", "bin", "dist"}, base) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// The checker must be able to fail: each fixture breaks one rule, or none.
func TestArchitecture_Fixtures(t *testing.T) {
	const us = "github.com/hearthd/hearth"
	doc := "// Package p is a fixture.\n"
	tests := []struct {
		name    string
		sources []source
		want    []string
	}{
		{"root imports the standard library", []source{{"p.go", doc + `package p; import "fmt"`}}, nil},
		{"root imports a module", []source{{"p.go", doc + `package p; import "golang.org/x/sys/unix"`}},
			[]string{"p.go: the root package imports golang.org/x/sys/unix; it imports the standard library only"}},
		{"root imports internal", []source{{"p.go", doc + `package p; import "` + us + `/internal/x"`}},
			[]string{"p.go: the root package imports github.com/hearthd/hearth/internal/x; it imports the standard library only"}},
		{"api imports root", []source{{"api/p.go", doc + `package p; import "` + us + `"`}}, nil},
		{"api imports invoke", []source{{"api/p.go", doc + `package p; import "` + us + `/invoke/pool"`}},
			[]string{"api/p.go: api may not import invoke (github.com/hearthd/hearth/invoke/pool)"}},
		{"edge imports root and api", []source{{"edge/c/p.go", doc + `package p; import ("` + us + `"; "` + us + `/api")`}}, nil},
		{"edge imports store", []source{{"edge/c/p.go", doc + `package p; import "` + us + `/store"`}},
			[]string{"edge/c/p.go: edge may not import store (github.com/hearthd/hearth/store)"}},
		{"invoke imports its three", []source{{"invoke/p.go", doc + `package p; import ("` + us + `"; "` + us + `/runtimeapi"; "` + us + `/sandbox")`}}, nil},
		{"sandbox imports runtimes", []source{{"sandbox/p.go", doc + `package p; import "` + us + `/runtimes"`}},
			[]string{"sandbox/p.go: sandbox may not import runtimes (github.com/hearthd/hearth/runtimes)"}},
		{"one stage imports itself", []source{{"store/jetstream/p.go", doc + `package p; import "` + us + `/store"`}}, nil},
		{"a stage imports internal", []source{{"store/p.go", doc + `package p; import "` + us + `/internal/x"`}}, nil},
		{"internal imports root", []source{{"internal/x/p.go", doc + `package p; import "` + us + `"`}},
			[]string{"internal/x/p.go: internal may not import root (github.com/hearthd/hearth)"}},
		{"console imports api", []source{{"console/p.go", doc + `package p; import "` + us + `/api"`}},
			[]string{"console/p.go: console may not import api (github.com/hearthd/hearth/api)"}},
		{"node imports all", []source{{"node/p.go", doc + `package p; import ("` + us + `/store"; "` + us + `/edge/c")`}}, nil},
		{"cmd imports the node and the wire", []source{{"cmd/h/p.go", doc + `package p; import ("` + us + `/node/launch"; "` + us + `/api/own"; "` + us + `/internal/x")`}}, nil},
		{"cmd imports a stage", []source{{"cmd/h/p.go", doc + `package p; import "` + us + `/store"`}},
			[]string{"cmd/h/p.go: cmd may not import store (github.com/hearthd/hearth/store)"}},
		{"an arrow within edge", []source{{"edge/control/p.go", doc + `package p; import "` + us + `/edge/scope"`}}, nil},
		{"an arrow within invoke that is not listed", []source{{"invoke/output/p.go", doc + `package p; import "` + us + `/invoke/pool"`}},
			[]string{"invoke/output/p.go: invoke/output may not import its neighbour invoke/pool; move what both need below them, or add the arrow to the list"}},
		{"a test's arrow within edge", []source{{"edge/control/p.go", doc + `package p`},
			{"edge/control/p_test.go", `package p_test; import "` + us + `/edge/edgetest"`}}, nil},
		{"an interface of four methods", []source{{"edge/c/p.go", doc + "package p\ntype I interface { A(); B(); C(); D(); J }\ntype J interface { E() }"}}, nil},
		{"an interface of five methods", []source{{"edge/c/p.go", doc + "package p\ntype I interface { A(); B(); C(); D(); E() }"}},
			[]string{"edge/c/p.go: interface edge/c.I has 5 methods; 4 are the most"}},
		{"a wider contract", []source{{"sandbox/p.go", doc + "package p\ntype Sandbox interface { A(); B(); C(); D(); E() }"}}, nil},
		{"a new top directory", []source{{"util/p.go", doc + `package p`}},
			[]string{"util/p.go: util is not a stage of docs/ARCHITECTURE.md; add it to the allow-list there and here, or move it"}},
		{"a test imports a double of another stage", []source{{"edge/c/p.go", doc + `package p`},
			{"edge/c/p_test.go", `package p_test; import "` + us + `/store/mem"`}}, nil},
		{"a test imports another stage", []source{{"edge/c/p.go", doc + `package p`},
			{"edge/c/p_test.go", `package p_test; import "` + us + `/store/jetstream"`}},
			[]string{"edge/c/p_test.go: edge may not import store (github.com/hearthd/hearth/store/jetstream)"}},
		{"NATS outside its package", []source{{"store/p.go", doc + `package p; import "github.com/nats-io/nats.go"`}},
			[]string{"store/p.go: imports github.com/nats-io/nats.go; only store/jetstream speaks NATS"}},
		{"NATS in a package whose name begins alike", []source{{"store/jetstreams/p.go", doc + `package p; import "github.com/nats-io/nats.go"`}},
			[]string{"store/jetstreams/p.go: imports github.com/nats-io/nats.go; only store/jetstream speaks NATS"}},
		{"NATS below its package", []source{{"store/jetstream/kv/p.go", doc + `package p; import "github.com/nats-io/nats.go"`}}, nil},
		{"NATS in its package", []source{{"store/jetstream/p.go", doc + `package p; import "github.com/nats-io/nats.go"`}}, nil},
		{"an AWS SDK in the product", []source{{"edge/c/p.go", doc + `package p; import "github.com/aws/aws-sdk-go-v2/aws"`}},
			[]string{"edge/c/p.go: imports github.com/aws/aws-sdk-go-v2/aws; AWS SDKs are for tests and examples"}},
		{"an AWS SDK in a test", []source{{"edge/c/p.go", doc + `package p`},
			{"edge/c/p_test.go", `package p_test; import "github.com/aws/aws-sdk-go-v2/aws"`}}, nil},
		{"the event stream encoder", []source{{"api/p.go", doc + `package p; import "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"`}}, nil},
		{"a build-tagged file counts", []source{{"store/p_plan9.go", "//go:build plan9\n\n" + doc + `package p; import "` + us + `/api"`}},
			[]string{"store/p_plan9.go: store may not import api (github.com/hearthd/hearth/api)"}},
		{"no package comment", []source{{"store/p.go", `package p`}, {"store/q.go", `package p`}},
			[]string{"store: package p has 0 package comments; it needs exactly one"}},
		{"two package comments", []source{{"store/p.go", doc + `package p`}, {"store/q.go", doc + `package p`}},
			[]string{"store: package p has 2 package comments (store/p.go, store/q.go); it needs exactly one"}},
		{"a directory of tests only", []source{{"test/e2e/p_test.go", `package e2e_test`}},
			[]string{"test/e2e: package e2e_test has 0 package comments; it needs exactly one"}},
		{"an init function", []source{{"store/p.go", doc + "package p\nfunc init() {}"}},
			[]string{"store/p.go: declares func init; register things in a visible list instead"}},
		{"an init method", []source{{"store/p.go", doc + "package p\ntype T int\nfunc (T) init() {}"}}, nil},
		{"a blank import", []source{{"store/p.go", doc + `package p; import _ "net/http/pprof"`}},
			[]string{"store/p.go: blank import of net/http/pprof"}},
		{"a blank import of embed", []source{{"store/p.go", doc + `package p; import _ "embed"`}}, nil},
		{"a dot import", []source{{"store/p.go", doc + `package p; import . "fmt"`}},
			[]string{"store/p.go: dot import of fmt"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := checkArchitecture(test.sources)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArchitecture_UnparsableFile(t *testing.T) {
	if _, err := checkArchitecture([]source{{"p.go", "packag p"}}); err == nil {
		t.Fatal("a file that does not parse was accepted")
	}
}
