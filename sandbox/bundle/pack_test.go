package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox/bundle"
)

// write makes a file below dir.
func write(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, dir, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func pack(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bundle.Pack(t.Context(), dir, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPack_Directory_ExtractsToTheSame(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "bootstrap", "run", 0o700)
	write(t, dir, "lib/data", "text", 0o600)
	write(t, dir, ".git/config", "secret", 0o644)
	write(t, dir, "lib/.git", "gitdir: elsewhere", 0o644)
	write(t, dir, ".gitignore", "kept", 0o644)
	symlink(t, dir, "lib/data", "link")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	compare(t, map[string]string{
		".": "drwxr-xr-x", "bootstrap": "-rwxr-xr-x run", "lib": "drwxr-xr-x", "lib/data": "-rw-r--r-- text",
		".gitignore": "-rw-r--r-- kept", "link": "link lib/data", "empty": "drwxr-xr-x",
	}, contents(t, extract(t, pack(t, dir))))
}

func TestPack_SameContent_SameBytes(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, name := range []string{"x", "y", "z/w"} {
		write(t, a, name, name, 0o644)
	}
	for _, name := range []string{"z/w", "y", "x"} {
		write(t, b, name, name, 0o600)
	}
	if err := os.Chtimes(filepath.Join(b, "x"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack(t, a), pack(t, b)) {
		t.Error("the archives differ")
	}
}

func TestPack_LinkOut_Refused(t *testing.T) {
	for _, target := range []string{"/etc/passwd", "../x", "d/../../x"} {
		dir := t.TempDir()
		write(t, dir, "d/f", "x", 0o644)
		symlink(t, dir, target, "l")
		if err := bundle.Pack(t.Context(), dir, new(bytes.Buffer)); !errors.Is(err, hearth.ErrInvalid) {
			t.Errorf("link to %s: got %v", target, err)
		}
	}
}

func TestPack_TooLarge_Refused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "big", "", 0o644)
	if err := os.Truncate(filepath.Join(dir, "big"), bundle.MaxUnzipped+1); err != nil { // sparse
		t.Fatal(err)
	}
	refused(t, bundle.Pack(t.Context(), dir, new(bytes.Buffer)), textSize)
}

func TestPack_CancelledContext_Stops(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "f", "x", 0o644)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bundle.Pack(ctx, dir, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
