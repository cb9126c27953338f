package scratch_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/sandbox/namespace/scratch"
)

func made(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tmp")
	if err := scratch.Make(dir, os.Getuid(), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// removed removes a directory and checks that it is gone.
func removed(t *testing.T, dir string) {
	t.Helper()
	if err := scratch.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMake_Mode_IsThatOfTmp(t *testing.T) {
	info, err := os.Stat(made(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := fs.ModeDir | fs.ModeSticky | 0o777; info.Mode() != want {
		t.Errorf("got %v, want %v", info.Mode(), want)
	}
}

func TestRemove_Missing_IsFine(t *testing.T) {
	removed(t, filepath.Join(t.TempDir(), "none"))
}

func TestRemove_Tree_IsRemoved(t *testing.T) {
	dir := made(t)
	for _, name := range []string{"a", "b/c", "b/d/e/f/g/h", ".hidden/i"} {
		write(t, filepath.Join(dir, name))
	}
	removed(t, dir)
}

func TestRemove_NamesItNeeds_AreTaken(t *testing.T) {
	dir := made(t)
	write(t, filepath.Join(dir, ".hearth-1"))
	write(t, filepath.Join(dir, ".hearth-2/full"))
	write(t, filepath.Join(dir, "a/b/c/d"))
	write(t, filepath.Join(dir, "a/e/c/d"))
	removed(t, dir)
}

func TestRemove_Links_AreNotFollowed(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, filepath.Join(outside, "precious/file"))
	dir := made(t)
	for name, target := range map[string]string{"dir": outside, "up": "../..", "file": filepath.Join(outside, "precious/file"), "dangling": "/no/such"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	removed(t, dir)
	if _, err := os.Stat(filepath.Join(outside, "precious/file")); err != nil {
		t.Error(err)
	}
}
