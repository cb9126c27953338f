package bundle_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox/bundle"
)

// FuzzExtract checks, for whatever bytes, that extraction stays inside its
// directory, leads nowhere else by links, and agrees with Verify.
func FuzzExtract(f *testing.F) {
	for _, items := range [][]item{
		{{"bootstrap", 0o755, "run"}, {"d/", fs.ModeDir | 0o755, ""}, {"d/f", 0o644, "text"}, {"l", link, "d/f"}},
		{{"windows.txt", 0, "text"}},
		{{"../up", 0o644, "x"}},
		{{"l", link, "../../etc"}, {"l/x", 0o644, "x"}},
		{{"a", link, "b/.."}, {"b", link, "a"}},
		{{"f", 0o644, strings.Repeat("a", 4096)}, {"f", 0o644, "again"}},
		{{deep("a", bundle.MaxDepth), 0o644, "deepest"}, {deep("b", bundle.MaxDepth+1), 0o644, "too deep"}},
		{{deep("a", bundle.MaxDepth), link, strings.Repeat("../", bundle.MaxDepth-1) + "b"}},
		{{"a/l", link, "../b/m"}, {"b/m", link, "../a"}, {"a/n", link, "l/x"}, {"c", link, "a/missing/../../b"}},
		{{"./a//b/.", 0o644, "unclean"}, {"a/b", fs.ModeDir | 0o755, ""}, {".", 0o644, "the root"}},
	} {
		f.Add(archive(f, items...))
	}
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, verr := verify(content)
		if verr != nil && !errors.Is(verr, hearth.ErrInvalid) && !errors.Is(verr, hearth.ErrInvalidZip) {
			t.Fatalf("Verify blames the host: %v", verr)
		}
		root := t.TempDir()
		cache, err := bundle.New(filepath.Join(root, "cache"), bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		dir, release, err := cache.Acquire(t.Context(), digest(content), opener(content))
		if (err == nil) != (verr == nil) {
			t.Fatalf("Verify says %v, extraction %v", verr, err)
		}
		if entries, _ := os.ReadDir(root); len(entries) != 1 {
			t.Fatalf("outside of the cache: %v", entries)
		}
		if err != nil {
			empty(t, filepath.Join(root, "cache"))
			return
		}
		defer release()
		stays(t, dir)
	})
}

// stays checks that every link that leads anywhere leads into the tree.
func stays(t *testing.T, dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if depth := strings.Count(name, "/") - strings.Count(dir, "/"); depth > bundle.MaxDepth {
			t.Errorf("%s is %d deep", name, depth)
		}
		if d.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 {
			t.Errorf("%s is a %v", name, d.Type())
		}
		real, err := filepath.EvalSymlinks(name)
		if err == nil && real != dir && !strings.HasPrefix(real, dir+"/") {
			t.Errorf("%s leads to %s", name, real)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
