package clients_test

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

// buildTime is how long one program that fetches or builds a client may take,
// on a machine that is busy with other tests.
const buildTime = 8 * time.Minute

// sandboxPath is where a provided function finds programs: these directories
// of the host are visible to it.
var sandboxPath = []string{"/usr/local/bin", "/usr/bin", "/bin"}

// visible returns the path of a program that functions can run.
func visible(program string) (string, error) {
	for _, dir := range sandboxPath {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s, where functions would find it", program, strings.Join(sandboxPath, ":"))
}

// installed is an error that names the programs which are not on PATH.
func installed(programs ...string) error {
	var missing []error
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, err)
		}
	}
	return errors.Join(missing...)
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

// mustRun runs a program, which must succeed.
func mustRun(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	out, err := command(t.Context(), dir, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cached returns a directory that build has filled, now or in an earlier run
// with the same key: everything that the content depends on.
func cached(t *testing.T, client string, key []string, build func(dir string)) string {
	t.Helper()
	dir, err := cache.Fill(client, key, func(dir string) error { build(dir); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sources is the content of the files of testdata/CLIENT, for a cache key.
func sources(t *testing.T, client string) []string {
	t.Helper()
	var contents []string
	err := filepath.WalkDir(filepath.Join("testdata", client), func(path string, entry fs.DirEntry, err error) error {
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

// assemble lays directories over each other: the package of a function.
func assemble(t *testing.T, dirs ...string) string {
	t.Helper()
	pkg := t.TempDir()
	for _, dir := range dirs {
		if err := os.CopyFS(pkg, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	return pkg
}
