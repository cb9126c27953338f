package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth/store"
)

// patience is how long an event may take before a test fails.
const patience = 20 * time.Second

func watchEmpty(t *testing.T, kv store.KV) {
	got := untilSynced(t, kv, "f/")
	if diff := cmp.Diff([]store.Event{{Kind: store.EventSynced}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func watchExisting(t *testing.T, kv store.KV) {
	put(t, kv, "f/a", "1")
	b := put(t, kv, "f/b", "1")
	a := put(t, kv, "f/a", "2")
	want := []store.Event{
		{Kind: store.EventPut, Record: store.Record{Key: "f/b", Value: []byte("1"), Revision: b}},
		{Kind: store.EventPut, Record: store.Record{Key: "f/a", Value: []byte("2"), Revision: a}},
		{Kind: store.EventSynced, Record: store.Record{Revision: a}},
	}
	if diff := cmp.Diff(want, untilSynced(t, kv, "f/")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func watchChanges(t *testing.T, kv store.KV) {
	w := Follow(t, kv, "f/")
	w.expect(t, store.Event{Kind: store.EventSynced})
	first := put(t, kv, "f/a", "1")
	w.expect(t, store.Event{Kind: store.EventPut, Record: store.Record{Key: "f/a", Value: []byte("1"), Revision: first}})
	second := must(kv.Update(t.Context(), "f/a", []byte("2"), first))(t)
	w.expect(t, store.Event{Kind: store.EventPut, Record: store.Record{Key: "f/a", Value: []byte("2"), Revision: second}})
	gone := must(kv.Delete(t.Context(), "f/a", second))(t)
	w.expect(t, store.Event{Kind: store.EventDelete, Record: store.Record{Key: "f/a", Revision: gone}})
	revisions := must(kv.Commit(t.Context(), []store.Op{
		{Kind: store.OpCreate, Key: "f/c", Value: []byte("3")}, {Kind: store.OpCreate, Key: "f/b", Value: []byte("3")},
	}))(t)
	w.expect(t, store.Event{Kind: store.EventPut, Record: store.Record{Key: "f/c", Value: []byte("3"), Revision: revisions[0]}})
	w.expect(t, store.Event{Kind: store.EventPut, Record: store.Record{Key: "f/b", Value: []byte("3"), Revision: revisions[1]}})
}

func watchLarge(t *testing.T, kv store.KV) {
	const records = 12 // together more than a NATS server keeps for a slow client
	value := make([]byte, 6<<20)
	for i := range records {
		must(kv.Put(t.Context(), fmt.Sprint("f/", i), value))(t)
	}
	seen := map[string]int{}
	for _, e := range untilSynced(t, kv, "f/") {
		if e.Kind == store.EventPut && len(e.Value) == len(value) {
			seen[e.Key]++
		}
	}
	for i := range records {
		if n := seen[fmt.Sprint("f/", i)]; n != 1 {
			t.Errorf("record %d was reported %d times", i, n)
		}
	}
}

func watchPrefix(t *testing.T, kv store.KV) {
	put(t, kv, "f/a", "1")
	w := Follow(t, kv, "f/b")
	w.expect(t, store.Event{Kind: store.EventSynced, Record: store.Record{Revision: w.synced(t)}})
	for _, key := range []string{"f/a", "f", "g/b", "f/c"} {
		put(t, kv, key, "2")
	}
	want := put(t, kv, "f/bc", "2")
	w.expect(t, store.Event{Kind: store.EventPut, Record: store.Record{Key: "f/bc", Value: []byte("2"), Revision: want}})
}

func watchDeletedBefore(t *testing.T, kv store.KV) {
	revision := put(t, kv, "f/a", "1")
	gone := must(kv.Delete(t.Context(), "f/a", revision))(t)
	want := []store.Event{{Kind: store.EventSynced, Record: store.Record{Revision: gone}}}
	if diff := cmp.Diff(want, untilSynced(t, kv, "f/")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func watchCallbackError(t *testing.T, kv store.KV) {
	stop := errors.New("enough")
	err := kv.Watch(t.Context(), "", func(store.Event) error { return stop })
	wantKind(t, err, stop)
}

func watchContextEnds(t *testing.T, kv store.KV) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no longer needed")
	err := kv.Watch(ctx, "", func(store.Event) error { cancel(cause); return nil })
	wantKind(t, err, cause)
}

// untilSynced returns what a watch reports up to and with Synced.
func untilSynced(t *testing.T, kv store.KV, prefix string) []store.Event {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("no Synced"))
	defer cancel()
	done := errors.New("done")
	var events []store.Event
	err := kv.Watch(ctx, prefix, func(e store.Event) error {
		events = append(events, e)
		if e.Kind == store.EventSynced {
			return done
		}
		return nil
	})
	wantKind(t, err, done)
	return events
}

// Follower collects the events of a Watch that runs beside the test.
type Follower struct {
	mu     sync.Mutex
	events []store.Event
	more   chan struct{} // has a token when events grew
	read   int
}

// Follow starts a watch on prefix that ends with the test. It is exported for
// the tests that a driver adds.
func Follow(t *testing.T, kv store.KV, prefix string) *Follower {
	w := &Follower{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	group.Go(func() {
		err := kv.Watch(ctx, prefix, func(e store.Event) error {
			w.mu.Lock()
			w.events = append(w.events, e)
			w.mu.Unlock()
			select {
			case w.more <- struct{}{}:
			default:
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("watch ended: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); group.Wait() })
	return w
}

// Next waits for the next event.
func (w *Follower) Next(t *testing.T) store.Event {
	t.Helper()
	event, err := w.peek()
	if err != nil {
		t.Fatal(err)
	}
	w.read++
	return event
}

func (w *Follower) peek() (store.Event, error) {
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		events := w.events
		w.mu.Unlock()
		if len(events) > w.read {
			return events[w.read], nil
		}
		select {
		case <-w.more:
		case <-deadline:
			return store.Event{}, fmt.Errorf("no event %d within %v", w.read, patience)
		}
	}
}

// synced returns the revision of the coming event, which is Synced, without
// taking it: a driver may report what it skipped, or 0.
func (w *Follower) synced(t *testing.T) uint64 {
	t.Helper()
	event, err := w.peek()
	if err != nil || event.Kind != store.EventSynced {
		t.Fatalf("event %+v, error %v; want Synced", event, err)
	}
	return event.Revision
}

func (w *Follower) expect(t *testing.T, want store.Event) {
	t.Helper()
	if diff := cmp.Diff(want, w.Next(t)); diff != "" {
		t.Fatalf("event %d (-want +got):\n%s", w.read-1, diff)
	}
}
