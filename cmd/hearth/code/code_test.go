package code_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/code"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// write puts a file into a new directory and returns its path.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead_Archive_AsItIs(t *testing.T) {
	got, err := code.Read(t.Context(), write(t, "f.zip", []byte("PK, or not")))
	if err != nil || string(got) != "PK, or not" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRead_Directory_Packed(t *testing.T) {
	path := write(t, "app.py", []byte("def handler(e, c): pass\n"))
	archive, err := code.Read(t.Context(), filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "app.py" {
		t.Errorf("not an archive of app.py: %v, %+v", err, z)
	}
}

func TestRead_Nothing_IsUsage(t *testing.T) {
	_, err := code.Read(t.Context(), "/does/not/exist")
	if exit.Code(t.Context(), err) != exit.Usage || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestRead_TooLarge_IsUsage(t *testing.T) {
	path := write(t, "f.zip", nil)
	if err := os.Truncate(path, 50<<20); err != nil {
		t.Fatal(err)
	}
	if got, err := code.Read(t.Context(), path); err != nil || len(got) != 50<<20 {
		t.Errorf("as large as it may be: %d bytes, %v", len(got), err)
	}
	if err := os.Truncate(path, 50<<20+1); err != nil {
		t.Fatal(err)
	}
	_, err := code.Read(t.Context(), path)
	if exit.Code(t.Context(), err) != exit.Usage || !strings.Contains(err.Error(), "larger than the 52428800 bytes") {
		t.Errorf("a byte more: %v", err)
	}
}

// A link that leads out of a directory is not packed; see sandbox/bundle.
func TestRead_DirectoryThatCannotBePacked_NamesIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err := code.Read(t.Context(), dir)
	if exit.Code(t.Context(), err) != exit.Invalid || !strings.Contains(err.Error(), "read the code in "+dir) {
		t.Errorf("%v", err)
	}
}

func TestOpen_ClosedEarly_EndsThePacking(t *testing.T) {
	path := write(t, "large", bytes.Repeat([]byte("x"), 1<<20))
	r, err := code.Open(t.Context(), filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	// Close waits for the packing: a test that hangs here has found one that goes on.
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("read after Close: %v", err)
	}
}
