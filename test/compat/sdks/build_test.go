package sdks_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/cache"
)

// buildJava fetches the SDK and compiles the client: into lib and classes.
func buildJava(t *testing.T) string {
	t.Helper()
	return built(t, "java", []string{"java", "javac", "mvn"}, func(dir string) error {
		lib := filepath.Join(dir, "lib")
		if _, err := run(t, []string{
			"mvn", "--batch-mode", "--quiet", "--file", "testdata/java/pom.xml", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory=" + lib,
		}); err != nil {
			return err
		}
		_, err := run(t, []string{
			"javac", "--release", "11", "-cp", filepath.Join(lib, "*"), "-d", filepath.Join(dir, "classes"), "testdata/java/Life.java",
		})
		return err
	})
}

// buildRust builds the SDK and the client: the program life.
func buildRust(t *testing.T) string {
	t.Helper()
	return built(t, "rust", []string{"cargo", "cc"}, func(dir string) error {
		source := t.TempDir() // cargo writes beside Cargo.toml
		if err := os.CopyFS(source, os.DirFS("testdata/rust")); err != nil {
			return err
		}
		target := filepath.Join(filepath.Dir(dir), "sdk-rust-target") // the SDK outlives a change of the client
		_, err := run(t, []string{"cargo", "build", "--quiet", "--manifest-path", filepath.Join(source, "Cargo.toml"), "--target-dir", target})
		if err != nil {
			return err
		}
		return os.Link(filepath.Join(target, "debug", "life"), filepath.Join(dir, "life"))
	})
}

// built returns the directory into which build builds testdata/NAME, unless it
// has before. The test is skipped where one of the programs is missing.
func built(t *testing.T, name string, programs []string, build func(dir string) error) string {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	var key []string
	err := filepath.WalkDir(filepath.Join("testdata", name), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		key = append(key, path, string(content))
		return err
	})
	dir, fillErr := cache.Fill("sdk-"+name, key, build)
	if err := errors.Join(err, fillErr); err != nil {
		t.Fatal(err)
	}
	return dir
}
