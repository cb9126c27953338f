package sdks_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/fetch"
)

// buildJava fetches the SDK and compiles the client: into lib and classes.
func buildJava(t *testing.T) string {
	t.Helper()
	if err := fetch.Installed("java", "javac", "mvn"); err != nil {
		t.Skip(err)
	}
	return fetch.Cached(t, "sdk-java", fetch.Sources(t, "java"), func(dir string) {
		lib := filepath.Join(dir, "lib")
		fetch.Run(t, "testdata/java", nil, "mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+lib)
		fetch.Run(t, "testdata/java", nil, "javac", "--release", "11", "-cp", filepath.Join(lib, "*"),
			"-d", filepath.Join(dir, "classes"), "Life.java")
	})
}

// buildRust builds the SDK and the client: the program life.
func buildRust(t *testing.T) string {
	t.Helper()
	if err := fetch.Installed("cargo", "cc"); err != nil {
		t.Skip(err)
	}
	return fetch.Cached(t, "sdk-rust", fetch.Sources(t, "rust"), func(dir string) {
		source := t.TempDir() // cargo writes beside Cargo.toml
		if err := os.CopyFS(source, os.DirFS("testdata/rust")); err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(filepath.Dir(dir), "sdk-rust-target") // the SDK outlives a change of the client
		fetch.Run(t, source, nil, "cargo", "build", "--quiet", "--target-dir", target)
		if err := os.Link(filepath.Join(target, "debug", "life"), filepath.Join(dir, "life")); err != nil {
			t.Fatal(err)
		}
	})
}
