package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/mem"
)

func TestLookup_AfterOwnWrite_ShowsItAtOnce(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		for i := range 50 { // the watch runs beside, ahead or behind
			f := function("f")
			revision := create(t, c, f)
			f.MemorySize = 1000 + i
			if _, err := c.Update(t.Context(), f, revision); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Lookup(f.Name, ""); err != nil || got.MemorySize != 1000+i {
				t.Fatalf("round %d: Lookup = %+v, error %v", i, got, err)
			}
			if err := c.Delete(t.Context(), f.Name); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Lookup(f.Name, ""); !errors.Is(err, hearth.ErrNotFound) {
				t.Fatalf("round %d: Lookup of deleted = %+v, error %v", i, got, err)
			}
		}
	})
}

func TestLookup_CallerGoesOnWithItsFunction_IsNotAffected(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	f := function("f")
	create(t, c, f)
	f.State = hearth.StateFailed
	if got, err := c.Lookup(f.Name, ""); err != nil || got.State != hearth.StateActive {
		t.Errorf("Lookup = %+v, error %v", got, err)
	}
}

func TestLookup_Found_DoesNotAllocate(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	create(t, c, function("f"))
	name := nameOf("f")
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Lookup(name, "") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOpen_ExistingFunctions_AreLoadedAndToldOnce(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		first := open(t, catalog.Options{KV: kv, Blobs: blobs})
		create(t, first, function("kept"))
		create(t, first, function("gone"))
		if err := first.Delete(t.Context(), nameOf("gone")); err != nil {
			t.Fatal(err)
		}
		first.Close()
		calls := newListener()
		second := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		second.Close()
		if got, err := second.Lookup(nameOf("kept"), ""); err != nil || got.Name != nameOf("kept") {
			t.Errorf("Lookup = %+v, error %v", got, err)
		}
		_, err := second.Lookup(nameOf("gone"), "")
		wantKind(t, err, hearth.ErrNotFound)
		if kept, gone := calls.count("kept"), calls.count("gone"); kept != 1 || gone != 0 {
			t.Errorf("told %d times of what is there, %d times of what is not", kept, gone)
		}
	})
}

func TestOpen_StoreClosed_Fails(t *testing.T) {
	kv := mem.NewKV()
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := catalog.Open(t.Context(), catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	wantKind(t, err, hearth.ErrUnavailable)
}

func TestChanges_OwnWrite_IsCalledOnceBeforeItReturns(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		c := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		f := function("f")
		revision := create(t, c, f)
		if n := calls.count("f"); n != 1 {
			t.Errorf("%d calls after Create", n)
		}
		if _, err := c.Update(t.Context(), f, revision); err != nil {
			t.Fatal(err)
		}
		if n := calls.count("f"); n != 2 {
			t.Errorf("%d calls after Update", n)
		}
		if err := c.Delete(t.Context(), f.Name); err != nil {
			t.Fatal(err)
		}
		if n := calls.count("f"); n != 3 {
			t.Errorf("%d calls after Delete", n)
		}
		create(t, c, function("g")) // the watch has passed the writes to f when it shows another node's
		other := open(t, catalog.Options{KV: kv, Blobs: blobs})
		create(t, other, function("h"))
		calls.wait(t, "h")
		if n := calls.count("f"); n != 3 {
			t.Errorf("%d calls after the watch repeated the writes", n)
		}
	})
}

func TestChanges_OtherNodesWrite_IsSeenByLookup(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		here := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		there := open(t, catalog.Options{KV: kv, Blobs: blobs})
		create(t, there, function("f"))
		calls.wait(t, "f")
		if _, err := here.Lookup(nameOf("f"), ""); err != nil {
			t.Errorf("Lookup when told: %v", err)
		}
		if err := there.Delete(t.Context(), nameOf("f")); err != nil {
			t.Fatal(err)
		}
		calls.wait(t, "f")
		_, err := here.Lookup(nameOf("f"), "")
		wantKind(t, err, hearth.ErrNotFound)
	})
}

// overtakenKV lets something happen between a write and its writer's return.
type overtakenKV struct {
	store.KV
	meanwhile func()
}

func (kv overtakenKV) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	revision, err := kv.KV.Create(ctx, key, value)
	kv.meanwhile()
	return revision, err
}

func TestLookup_OwnWriteOvertakenByADeletion_StaysGone(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		other := open(t, catalog.Options{KV: kv, Blobs: blobs})
		slow := overtakenKV{kv, func() {
			if err := other.Delete(t.Context(), nameOf("f")); err != nil {
				t.Error(err)
			}
			create(t, other, function("later"))
			calls.wait(t, "later") // the watch has passed the deletion
		}}
		c := open(t, catalog.Options{KV: slow, Blobs: blobs, Changes: calls.feed})
		create(t, c, function("f"))
		_, err := c.Lookup(nameOf("f"), "")
		wantKind(t, err, hearth.ErrNotFound)
	})
}

// breakableKV is a KV whose watches can be ended from outside.
type breakableKV struct {
	store.KV

	mu  sync.Mutex
	end context.CancelFunc
}

func (kv *breakableKV) Watch(ctx context.Context, prefix string, fn func(store.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kv.mu.Lock()
	kv.end = cancel
	kv.mu.Unlock()
	return kv.KV.Watch(ctx, prefix, fn)
}

func TestFollow_WatchEnded_CatchesUpWithEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.NewKV()
		defer kv.Close()
		broken := &breakableKV{KV: kv}
		calls := newListener()
		here, err := catalog.Open(t.Context(), catalog.Options{KV: broken, Blobs: mem.NewBlobs(), Changes: calls.feed})
		if err != nil {
			t.Fatal(err)
		}
		defer here.Close()
		there, err := catalog.Open(t.Context(), catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
		if err != nil {
			t.Fatal(err)
		}
		defer there.Close()
		deleted, changed := function("deleted"), function("changed")
		create(t, there, deleted)
		revision := create(t, there, changed)
		synctest.Wait()

		broken.mu.Lock()
		broken.end()
		broken.mu.Unlock()
		synctest.Wait() // the watch is gone; the catalog pauses
		if err := there.Delete(t.Context(), deleted.Name); err != nil {
			t.Fatal(err)
		}
		changed.MemorySize = 999
		if _, err := there.Update(t.Context(), changed, revision); err != nil {
			t.Fatal(err)
		}
		create(t, there, function("created"))
		create(t, here, function("own")) // while it does not follow
		if _, err := here.Lookup(nameOf("own"), ""); err != nil {
			t.Errorf("own write without a watch: %v", err)
		}
		pause := time.NewTimer(time.Minute) // of the bubble's clock
		<-pause.C
		synctest.Wait()

		_, err = here.Lookup(deleted.Name, "")
		wantKind(t, err, hearth.ErrNotFound)
		if f, err := here.Lookup(changed.Name, ""); err != nil || f.MemorySize != 999 {
			t.Errorf("Lookup of changed = %+v, error %v", f, err)
		}
		for _, name := range []string{"created", "own"} {
			if _, err := here.Lookup(nameOf(name), ""); err != nil {
				t.Errorf("Lookup of %s: %v", name, err)
			}
		}
		got := map[string]int{}
		for _, name := range []string{"deleted", "changed", "created", "own"} {
			got[name] = calls.count(name)
		}
		if diff := cmp.Diff(map[string]int{"deleted": 2, "changed": 2, "created": 1, "own": 1}, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	kv := mem.NewKV()
	defer kv.Close()
	c, err := catalog.Open(b.Context(), catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for i := range 1000 {
		if _, err := c.Create(b.Context(), function(fmt.Sprint("f", i))); err != nil {
			b.Fatal(err)
		}
	}
	name := nameOf("f500")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Lookup(name, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// listener counts the changes of versions that it is told of, by their functions,
// and those of aliases by "function:alias".
type listener struct {
	feed *changes.Feed // that it listens to

	mu     sync.Mutex
	calls  map[string]int
	waited map[string]int
	more   chan struct{}
}

func newListener() *listener {
	l := &listener{feed: &changes.Feed{}, calls: map[string]int{}, waited: map[string]int{}, more: make(chan struct{}, 1)}
	l.feed.Subscribe(l)
	return l
}

func (c *listener) Changed(change hearth.Change) {
	name := change.Function.Function
	if change.Kind == hearth.KindAlias {
		name += ":" + change.Qualifier
	}
	c.mu.Lock()
	c.calls[name]++
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *listener) count(function string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[function]
}

// wait returns at a call for a function that it was not called for before.
func (c *listener) wait(t *testing.T, function string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for c.count(function) <= c.waited[function] {
		select {
		case <-c.more:
		case <-deadline:
			t.Fatalf("no change of %s", function)
		}
	}
	c.waited[function]++
}
