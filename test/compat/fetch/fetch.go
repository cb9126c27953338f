// Package fetch gets what tests run in hearth from where its users get it: from
// package registries, at pinned versions, with the registries' own clients, and
// built where it is source. Package cache keeps it for the next run. A download that fails fails the test; a toolchain that is absent skips
// it, and Attendance fails a package in which that leaves nothing.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth/test/compat/cache"
)

// buildTime is how long one program that fetches or builds may take, on a
// machine that is busy with other tests.
const buildTime = 8 * time.Minute

// sandboxPath is where a function finds programs: these directories of the host
// are visible to it.
var sandboxPath = []string{"/usr/local/bin", "/usr/bin", "/bin"}

// Visible returns the path of a program that functions can run.
func Visible(program string) (string, error) {
	for _, dir := range sandboxPath {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s, where functions would find it", program, strings.Join(sandboxPath, ":"))
}

// Installed is an error that names the programs which are not on PATH.
func Installed(programs ...string) error {
	var missing []error
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
}

// Pip returns the command line of a pip. The caller is a package in test/compat.
func Pip(t testing.TB) ([]string, error) {
	for _, pip := range [][]string{{"python3", "-m", "pip"}, {"../../../.tools/venv/bin/pip"}, {"pip"}} {
		if _, err := command(t.Context(), ".", nil, append(pip, "--version")...); err == nil {
			return pip, nil
		}
	}
	return nil, errors.New("neither python3 nor PATH has a pip")
}

// command runs a program in dir and returns what it printed on standard output,
// without the spaces around it. env is added to the environment.
func command(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), env...), 2*time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Run runs a program in dir, which must succeed, and returns what it printed on
// standard output, without the spaces around it. env is added to the environment.
func Run(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	out, err := command(t.Context(), dir, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Cached is cache.Fill for a build that fails the test itself.
func Cached(t testing.TB, name string, key []string, build func(dir string)) string {
	t.Helper()
	dir, err := cache.Fill(name, key, func(dir string) error { build(dir); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Sources is the names and contents of the files in testdata/DIR, for a cache key.
func Sources(t testing.TB, dir string) []string {
	t.Helper()
	var contents []string
	err := filepath.WalkDir(filepath.Join("testdata", dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		contents = append(contents, path, string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// Assemble lays directories over each other in a new one: the content of a
// package or of a layer.
func Assemble(t testing.TB, dirs ...string) string {
	t.Helper()
	pkg := t.TempDir()
	for _, dir := range dirs {
		if err := os.CopyFS(pkg, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	return pkg
}
