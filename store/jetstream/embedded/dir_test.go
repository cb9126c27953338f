package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream/embedded"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
)

func TestClaim_ForeignLayout_IsRefused(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"LaterVersion": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "LAYOUT"), []byte("hearth store, standalone, 2\n"), 0o600)
		},
		"WithoutLayout": func(dir string) error { return os.Mkdir(filepath.Join(dir, "standalone"), 0o700) },
		"OtherServer":   func(dir string) error { return os.Mkdir(filepath.Join(dir, "jetstream"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			_, err := embedded.Claim(dir)
			jetstreamtest.WantKind(t, err, hearth.ErrInvalid)
			if err == nil || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v does not name the directory", err)
			}
		})
	}
}

func TestClaim_Released_IsFree(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		d, err := embedded.Claim(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = embedded.Claim(dir)
		jetstreamtest.WantKind(t, err, hearth.ErrConflict)
		if err := d.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFree_DirectoryThatIsGone_IsAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	d, err := embedded.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Release() }()
	if free, err := d.Free(); err != nil || free == 0 {
		t.Errorf("%d bytes, error %v", free, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Free(); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v does not name the directory", err)
	}
}
