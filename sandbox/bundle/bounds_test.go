package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox/bundle"
)

// deep is a name of n segments, of which the first one is its own.
func deep(first string, n int) string { return first + strings.Repeat("/a", n-1) }

// deepest are n entries, each as deep as an archive may have it.
func deepest(n int) []item {
	items := make([]item, n)
	for i := range items {
		items[i] = item{name: deep(fmt.Sprintf("%x", i), bundle.MaxDepth), mode: 0o644}
	}
	return items
}

// beyond checks that an archive is refused for a bound of hearth's own, in a text that
// says which one.
func beyond(t *testing.T, err error, text string) {
	t.Helper()
	var told *hearth.Error
	if !errors.As(err, &told) || !errors.Is(err, hearth.ErrInvalidZip) || told.Message != text {
		t.Errorf("got error %v, want %q", err, text)
	}
}

func TestVerify_Depth_IsExact(t *testing.T) {
	if _, err := verify(archive(t, item{deep("a", bundle.MaxDepth), 0o644, "x"})); err != nil {
		t.Errorf("at the bound: %v", err)
	}
	_, err := verify(archive(t, item{deep("a", bundle.MaxDepth+1), 0o644, "x"}))
	beyond(t, err, fmt.Sprintf("The name %q in the archive has more than 128 segments.", deep("a", 32)+"/..."))
}

// The figures of an archive that was sent: 6 KB, and 14 seconds of a core.
func TestVerify_OneNameOf1500Segments_Refused(t *testing.T) {
	content := archive(t, item{deep("a", 1500), 0o644, "x"})
	_, err := verify(content)
	if !errors.Is(err, hearth.ErrInvalidZip) {
		t.Errorf("%d bytes: got %v", len(content), err)
	}
}

func TestVerify_SegmentsTogether_Bounded(t *testing.T) {
	items := make([]item, bundle.MaxSegments/bundle.MaxDepth+1)
	for i := range items { // few directories, and very many segments
		items[i] = item{name: deep("a", bundle.MaxDepth-1) + fmt.Sprintf("/%x", i), mode: 0o644}
	}
	if _, err := verify(archive(t, items[1:]...)); err != nil {
		t.Errorf("at the bound: %v", err)
	}
	_, err := verify(archive(t, items...))
	beyond(t, err, "The names in the archive have more than 1048576 segments together.")
}

func TestVerify_ImpliedDirectories_Bounded(t *testing.T) {
	_, err := verify(archive(t, deepest(bundle.MaxImplied/(bundle.MaxDepth-1)+1)...))
	beyond(t, err, "The archive has files in more than 16384 directories that have no entry of their own.")
}

// Every link is a long walk through others, and none leads out.
func TestVerify_StepsOfLinks_Bounded(t *testing.T) {
	items := []item{{"d/", fs.ModeDir | 0o755, ""}}
	walk := strings.Repeat("d/../", 100)
	for i := range 8000 {
		items = append(items, item{fmt.Sprintf("l%d", i), link, walk + fmt.Sprintf("l%d", i+1)})
		if i%30 == 29 {
			items[len(items)-1].text = "d"
		}
	}
	items = append(items, item{"l8000", 0o644, ""})
	_, err := verify(archive(t, items...))
	beyond(t, err, "The links in the archive take more than 1048576 steps to follow.")
}

func TestAcquire_Deepest_Extracts(t *testing.T) {
	got := contents(t, extract(t, archive(t, item{deep("a", bundle.MaxDepth-1) + "/f", 0o644, "x"}, item{deep("a", bundle.MaxDepth-1) + "/l", link, "../../b"})))
	if at := deep("a", bundle.MaxDepth-1); got[at+"/f"] != "-rw-r--r-- x" || got[at+"/l"] != "link ../../b" {
		t.Errorf("got %q and %q", got[at+"/f"], got[at+"/l"])
	}
}

// A later layer replaces a whole directory of an earlier one by a file, and a third
// one makes it a directory again.
func TestMerge_DirectoryReplacedTwice_HasOnlyTheLast(t *testing.T) {
	var archives []bundle.Archive
	for _, l := range [][]byte{
		archive(t, item{"a/b/c/f", 0o644, "1"}, item{"a/l", link, "b"}),
		archive(t, item{"a/b", 0o644, "2"}),
		archive(t, item{"a/b/g", 0o644, "3"}),
	} {
		archives = append(archives, bundle.Archive{Digest: digest(l), Open: opener(l)})
	}
	dir, _, err := newCache(t, t.TempDir(), bundle.Options{}).Merge(t.Context(), archives)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, map[string]string{
		".": "drwxr-xr-x", "a": "drwxr-xr-x", "a/b": "drwxr-xr-x", "a/b/g": "-rw-r--r-- 3", "a/l": "link b",
	}, contents(t, dir))
}

func TestAcquire_TooSlow_RefusedAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, dir, bundle.Options{Timeout: time.Nanosecond})
	content := archive(t, item{"f", 0o644, "x"})
	_, _, err := c.Acquire(t.Context(), digest(content), opener(content))
	beyond(t, err, "The archive takes longer than 1ns to unzip.")
	empty(t, dir)
}

// A context that ends while a file is read ends the reading there.
func TestVerify_EndedWithinAFile_ReadsNoMore(t *testing.T) {
	content := bomb(t, bundle.MaxUnzipped)
	deleted := errors.New("the function was deleted")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &cancelsAt{ReaderAt: bytes.NewReader(content), at: int64(len(content)) / 2, cancel: func() { cancel(deleted) }}
	if _, err := bundle.Verify(ctx, r, int64(len(content))); !errors.Is(err, deleted) {
		t.Errorf("got %v", err)
	}
	if after := r.last - r.at; after < 0 || after > 64<<10 {
		t.Errorf("read on for %d bytes", after)
	}
}

// cancelsAt cancels when what is behind an offset is read, after the archive's
// directory, which is at its end.
type cancelsAt struct {
	io.ReaderAt

	at, last int64
	started  bool // at the beginning of the archive
	cancel   func()
}

func (c *cancelsAt) ReadAt(p []byte, off int64) (int, error) {
	c.started = c.started || off > 0 && off < c.at/2
	if c.started {
		c.last = off
		if off >= c.at {
			c.cancel()
		}
	}
	return c.ReaderAt.ReadAt(p, off)
}

func TestVerify_Ended_SaysWhy(t *testing.T) {
	why := errors.New("the caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	content := archive(t, item{"f", 0o644, "x"})
	if _, err := bundle.Verify(ctx, strings.NewReader(string(content)), int64(len(content))); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

// Extractions wait for each other, and a waiting one can be given up; whatever the
// cause is, the next caller for the same archive is not told of it.
func TestAcquire_SlotsTaken_WaitsUntilGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCache(t, dir, bundle.Options{Parallel: 1})
		first, second := archive(t, item{"f", 0o644, "1"}), archive(t, item{"f", 0o644, "2"})
		finish := make(chan struct{})
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			_, _, err := c.Acquire(t.Context(), digest(first), func(ctx context.Context) (io.ReadCloser, int64, error) {
				<-finish
				return opener(first)(ctx)
			})
			if err != nil {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		why := errors.New("the function was deleted")
		ctx, cancel := context.WithCancelCause(t.Context())
		wg.Go(func() {
			if _, _, err := c.Acquire(ctx, digest(second), opener(second)); !errors.Is(err, why) {
				t.Errorf("the second: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, _, err := c.Acquire(t.Context(), digest(second), opener(second)); err != nil {
				t.Errorf("the third: %v", err)
			}
		})
		synctest.Wait()
		cancel(why)
		synctest.Wait()
		close(finish)
	})
}

// The dearest archives that are accepted. The time for each directory must not depend
// on how deep the archive is.
func BenchmarkAcquire(b *testing.B) {
	for name, items := range map[string][]item{
		"1-deepest":   deepest(1),
		"129-deepest": deepest(bundle.MaxImplied / (bundle.MaxDepth - 1)),
	} {
		content := archive(b, items...)
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(float64(len(content))/1e3, "KB")
			for b.Loop() {
				c, err := bundle.New(b.TempDir(), bundle.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := c.Acquire(b.Context(), digest(content), opener(content)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
