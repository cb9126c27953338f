package bundle_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/sandbox/bundle"
)

// opened opens a path and returns what is there.
func opened(t *testing.T, path string) (string, error) {
	t.Helper()
	r, err := bundle.Paths{}.Open(t.Context(), path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	return string(got), err
}

func TestPaths_Directory_AsArchive(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := opened(t, dir)
	if err != nil || !strings.HasPrefix(got, "PK") || !strings.Contains(got, "note.txt") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestPaths_Archive_AsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.zip")
	if err := os.WriteFile(path, []byte("PK, or not"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := opened(t, path); err != nil || got != "PK, or not" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestPaths_Nothing_IsNotExist(t *testing.T) {
	if _, err := opened(t, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

// Whoever stops reading gets its goroutine back: Close waits for the packing.
func TestPaths_Directory_ClosedEarly(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := bundle.Paths{}.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
