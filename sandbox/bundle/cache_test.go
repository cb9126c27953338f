package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox/bundle"
)

func newCache(t *testing.T, dir string, opts bundle.Options) *bundle.Cache {
	t.Helper()
	c, err := bundle.New(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func opener(content []byte) bundle.Open {
	return func(context.Context) (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
	}
}

func acquire(t *testing.T, c *bundle.Cache, content []byte) (string, func()) {
	t.Helper()
	dir, release, err := c.Acquire(t.Context(), digest(content), opener(content))
	if err != nil {
		t.Fatal(err)
	}
	return dir, release
}

// extract extracts an archive with a new cache.
func extract(t *testing.T, content []byte) string {
	t.Helper()
	dir, _ := acquire(t, newCache(t, t.TempDir(), bundle.Options{}), content)
	return dir
}

func TestAcquire_UnixArchive_KeepsWhatMatters(t *testing.T) {
	dir := extract(t, archive(t,
		item{"bootstrap", 0o700, "run"}, item{"data.txt", 0o600, "text"}, item{"sticky", fs.ModeSetuid | 0o755, "s"},
		item{"lib/", fs.ModeDir | 0o700, ""}, item{"lib/deep/er.py", 0o644, "py"},
		item{"lib/current", link, "deep"}, item{"top", link, "lib/current/er.py"}, item{"lib/up", link, "../data.txt"}))
	compare(t, map[string]string{
		".": "drwxr-xr-x", "lib": "drwxr-xr-x", "lib/deep": "drwxr-xr-x",
		"bootstrap": "-rwxr-xr-x run", "data.txt": "-rw-r--r-- text", "sticky": "-rwxr-xr-x s",
		"lib/deep/er.py": "-rw-r--r-- py", "lib/current": "link deep", "top": "link lib/current/er.py", "lib/up": "link ../data.txt",
	}, contents(t, dir))
}

func TestAcquire_WindowsArchive_EverythingExecutable(t *testing.T) {
	dir := extract(t, archive(t, item{"bootstrap", 0, "run"}, item{"d/", 0, ""}, item{"d/f", 0, "x"}))
	compare(t, map[string]string{
		".": "drwxr-xr-x", "bootstrap": "-rwxr-xr-x run", "d": "drwxr-xr-x", "d/f": "-rwxr-xr-x x",
	}, contents(t, dir))
}

func TestAcquire_Times_AreTheArchives(t *testing.T) {
	dir := extract(t, archive(t, item{"d/", fs.ModeDir | 0o755, ""}, item{"d/f", 0o644, "x"}))
	for _, name := range []string{"d", "d/f"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC); !info.ModTime().Equal(want) {
			t.Errorf("%s: got %v, want %v", name, info.ModTime(), want)
		}
	}
}

func TestAcquire_Owner_OwnsEverything(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	c := newCache(t, t.TempDir(), bundle.Options{Owner: &bundle.Owner{UID: 993, GID: 990}})
	dir, _ := acquire(t, c, archive(t, item{"d/f", 0o644, "x"}, item{"l", link, "d"}))
	for _, name := range []string{".", "d", "d/f", "l"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 993 || owner.Gid != 990 {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
	}
}

func TestAcquire_HostileArchive_LeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir, bundle.Options{})
	content := archive(t, item{"ok", 0o644, "x"}, item{"../../out", 0o644, "x"})
	_, _, err := c.Acquire(t.Context(), digest(content), opener(content))
	refused(t, err, textUnzip)
	empty(t, dir)
}

func TestAcquire_BombThatLies_StopsAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir, bundle.Options{})
	content := understate(t, bomb(t, 300<<20))
	if _, _, err := c.Acquire(t.Context(), digest(content), opener(content)); err == nil {
		t.Error("extracted a bomb")
	}
	empty(t, dir)
}

// empty checks that a cache directory holds nothing but its mark.
func empty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "boot" {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestAcquire_WrongDigest_Refused(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir, bundle.Options{})
	content := archive(t, item{"f", 0o644, "x"})
	if _, _, err := c.Acquire(t.Context(), strings.Repeat("0", 64), opener(content)); err == nil {
		t.Error("took content of another digest")
	}
	empty(t, dir)
}

func TestAcquire_BadDigest_Refused(t *testing.T) {
	c := newCache(t, t.TempDir(), bundle.Options{})
	for _, bad := range []string{"", "..", "../" + strings.Repeat("0", 61), strings.Repeat("G", 64)} {
		if _, _, err := c.Acquire(t.Context(), bad, opener(nil)); err == nil {
			t.Errorf("took digest %q", bad)
		}
	}
}

func TestAcquire_AtOnce_ExtractsOnce(t *testing.T) {
	c := newCache(t, t.TempDir(), bundle.Options{})
	content := archive(t, item{"f", 0o644, "x"})
	var opened atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, release, err := c.Acquire(t.Context(), digest(content), func(ctx context.Context) (io.ReadCloser, int64, error) {
				opened.Add(1)
				return opener(content)(ctx)
			})
			if err != nil {
				t.Error(err)
				return
			}
			release()
			release() // again, which must not count
		})
	}
	wg.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestAcquire_ExtractorGivesUp_WaiterTakesOver(t *testing.T) {
	c := newCache(t, t.TempDir(), bundle.Options{})
	content := archive(t, item{"f", 0o644, "x"})
	ctx, cancel := context.WithCancel(t.Context())
	opening := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := c.Acquire(ctx, digest(content), func(ctx context.Context) (io.ReadCloser, int64, error) {
			close(opening)
			<-ctx.Done()
			return nil, 0, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	<-opening
	wg.Go(func() {
		if _, _, err := c.Acquire(t.Context(), digest(content), opener(content)); err != nil {
			t.Errorf("the waiter inherited: %v", err)
		}
	})
	cancel()
	wg.Wait()
}

func TestAcquire_AfterFailure_TriesAgain(t *testing.T) {
	c := newCache(t, t.TempDir(), bundle.Options{})
	content := archive(t, item{"f", 0o644, "x"})
	lost := errors.New("store lost")
	_, _, err := c.Acquire(t.Context(), digest(content), func(context.Context) (io.ReadCloser, int64, error) { return nil, 0, lost })
	if !errors.Is(err, lost) {
		t.Fatalf("got %v", err)
	}
	acquire(t, c, content)
}

func exists(t *testing.T, dir string) bool {
	t.Helper()
	_, err := os.Stat(dir)
	return err == nil
}

func TestRelease_OverBound_EvictsLeastRecentlyUsed(t *testing.T) {
	root := t.TempDir()
	c := newCache(t, root, bundle.Options{MaxBytes: 25})
	a, releaseA := acquire(t, c, archive(t, item{"a", 0o644, "0123456789"}))
	b, releaseB := acquire(t, c, archive(t, item{"b", 0o644, "0123456789"}))
	d, releaseD := acquire(t, c, archive(t, item{"d", 0o644, "0123456789"}))
	held, _ := acquire(t, c, archive(t, item{"held", 0o644, "0123456789"}))
	releaseB()
	releaseA()
	releaseD()
	if exists(t, b) || !exists(t, a) || !exists(t, d) || !exists(t, held) {
		t.Errorf("kept a %v, b %v, d %v, held %v; want all but b", exists(t, a), exists(t, b), exists(t, d), exists(t, held))
	}
	if left, err := filepath.Glob(filepath.Join(root, ".partial-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestNew_AfterCrash_RemovesPartialKeepsComplete(t *testing.T) {
	root := t.TempDir()
	content := archive(t, item{"f", 0o644, "x"})
	dir, _ := acquire(t, newCache(t, root, bundle.Options{}), content)
	cut := filepath.Join(root, ".partial-123")
	if err := os.MkdirAll(filepath.Join(cut, "half"), 0o755); err != nil {
		t.Fatal(err)
	}
	again := newCache(t, root, bundle.Options{})
	if exists(t, cut) {
		t.Error("the partial tree is still there")
	}
	kept, _, err := again.Acquire(t.Context(), digest(content), func(context.Context) (io.ReadCloser, int64, error) {
		return nil, 0, errors.New("extracted again")
	})
	if err != nil || kept != dir {
		t.Errorf("got %q, %v", kept, err)
	}
}

func TestMerge_Layers_LaterWins(t *testing.T) {
	layers := [][]byte{
		archive(t, item{"python/a", 0o644, "1"}, item{"python/b", 0o644, "1"}, item{"file", 0o644, "1"}, item{"dir/x", 0o644, "1"}, item{"link", link, "python"}),
		archive(t, item{"python/b", 0o755, "2"}, item{"file/now-a-dir", 0o644, "2"}, item{"dir", 0o644, "2"}, item{"link/x", 0o644, "2"}),
	}
	var archives []bundle.Archive
	for _, l := range layers {
		archives = append(archives, bundle.Archive{Digest: digest(l), Open: opener(l)})
	}
	c := newCache(t, t.TempDir(), bundle.Options{})
	dir, _, err := c.Merge(t.Context(), archives)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, map[string]string{
		".": "drwxr-xr-x", "python": "drwxr-xr-x", "python/a": "-rw-r--r-- 1", "python/b": "-rwxr-xr-x 2",
		"file": "drwxr-xr-x", "file/now-a-dir": "-rw-r--r-- 2", "dir": "-rw-r--r-- 2",
		"link": "drwxr-xr-x", "link/x": "-rw-r--r-- 2",
	}, contents(t, dir))

	other, _, err := c.Merge(t.Context(), []bundle.Archive{archives[1], archives[0]})
	if err != nil {
		t.Fatal(err)
	}
	if other == dir {
		t.Error("another order is the same tree")
	}
}

// A link of one layer and a link of another, each harmless by itself, lead out
// together.
func TestMerge_LinksLeadOutTogether_Refused(t *testing.T) {
	dir := t.TempDir()
	var archives []bundle.Archive
	for _, l := range [][]byte{
		archive(t, item{"a/b", link, "."}),
		archive(t, item{"t", link, "a/b/../.."}),
	} {
		if _, err := verify(l); err != nil {
			t.Fatalf("not harmless: %v", err)
		}
		archives = append(archives, bundle.Archive{Digest: digest(l), Open: opener(l)})
	}
	_, _, err := newCache(t, dir, bundle.Options{}).Merge(t.Context(), archives)
	refused(t, err, textUnzip)
	empty(t, dir)
}

// Layers are written one over the other, and an earlier one's link is not
// followed when a later one is written.
func TestMerge_FileBelowEarlierLink_ReplacesLink(t *testing.T) {
	var archives []bundle.Archive
	for _, l := range [][]byte{
		archive(t, item{"real/f", 0o644, "1"}, item{"l", link, "real"}),
		archive(t, item{"l/f", 0o644, "2"}),
	} {
		archives = append(archives, bundle.Archive{Digest: digest(l), Open: opener(l)})
	}
	dir, _, err := newCache(t, t.TempDir(), bundle.Options{}).Merge(t.Context(), archives)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, map[string]string{
		".": "drwxr-xr-x", "real": "drwxr-xr-x", "real/f": "-rw-r--r-- 1", "l": "drwxr-xr-x", "l/f": "-rw-r--r-- 2",
	}, contents(t, dir))
}

func TestMerge_TogetherTooLarge_Refused(t *testing.T) {
	half := bomb(t, bundle.MaxUnzipped/2+1)
	archives := []bundle.Archive{{Digest: digest(half), Open: opener(half)}, {Digest: digest(half), Open: opener(half)}}
	dir := t.TempDir()
	_, _, err := newCache(t, dir, bundle.Options{}).Merge(t.Context(), archives)
	refused(t, err, textSize)
	empty(t, dir)
}

// After a power loss, trees that were not written to disk look complete.
func TestNew_OtherBoot_DropsTrees(t *testing.T) {
	root := t.TempDir()
	dir, _ := acquire(t, newCache(t, root, bundle.Options{BootID: "one"}), archive(t, item{"f", 0o644, "x"}))
	newCache(t, root, bundle.Options{BootID: "one"})
	if !exists(t, dir) {
		t.Error("dropped within a boot")
	}
	newCache(t, root, bundle.Options{BootID: "two"})
	if exists(t, dir) {
		t.Error("kept over a reboot")
	}
}
