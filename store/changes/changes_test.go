package changes_test

import (
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/changes"
)

// listener keeps what it is told.
type listener struct {
	mu   sync.Mutex
	told []hearth.Change
	hold chan struct{} // nil: Changed returns at once
}

func (l *listener) Changed(c hearth.Change) {
	if l.hold != nil {
		<-l.hold // the call has begun, and goes on for a while
		runtime.Gosched()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, c)
}

func (l *listener) names() (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.told {
		names = append(names, c.Function.Function)
	}
	return names
}

// source holds changes of functions by their names.
type source []string

func (s source) Changes() iter.Seq[hearth.Change] {
	return func(yield func(hearth.Change) bool) {
		for _, name := range s {
			if !yield(of(name)) {
				return
			}
		}
	}
}

func of(name string) hearth.Change {
	return hearth.Change{Kind: hearth.KindFunction, Function: hearth.Name{Function: name}, Qualifier: hearth.Latest}
}

func expect(t *testing.T, l *listener, want ...string) {
	t.Helper()
	if got := l.names(); !slices.Equal(got, want) {
		t.Errorf("told of %q, want %q", got, want)
	}
}

func TestSubscribe_ReplaysThenFollows(t *testing.T) {
	var feed changes.Feed
	feed.AddSource(source{"a", "b"})
	feed.Publish(of("nobody listens"))
	var early, late listener
	feed.Subscribe(&early)
	expect(t, &early, "a", "b")
	feed.Publish(of("c"))
	feed.Subscribe(&late)
	feed.Publish(of("d"))
	expect(t, &early, "a", "b", "c", "d")
	expect(t, &late, "a", "b", "d")
}

func TestAddSource_TellsThoseWhoSubscribedBefore(t *testing.T) {
	var feed changes.Feed
	var l listener
	feed.Subscribe(&l)
	expect(t, &l)
	feed.AddSource(source{"a"})
	feed.AddSource(source{"b"})
	expect(t, &l, "a", "b")
}

func TestCancel_EndsOnlyItsOwn(t *testing.T) {
	var feed changes.Feed
	var first, second listener
	cancel := feed.Subscribe(&first)
	feed.Subscribe(&second)
	cancel()
	cancel() // again is harmless
	feed.Publish(of("a"))
	expect(t, &first)
	expect(t, &second, "a")
}

func TestCancel_WaitsForACallInProgress(t *testing.T) {
	var feed changes.Feed
	l := &listener{hold: make(chan struct{})}
	cancel := feed.Subscribe(l)
	go feed.Publish(of("a")) // ends with the call
	l.hold <- struct{}{}     // it is in Changed
	canceled := make(chan struct{})
	go func() {
		cancel()
		close(canceled)
	}()
	<-canceled
	expect(t, l, "a")
}

func TestFeed_ConcurrentUse(t *testing.T) {
	var feed changes.Feed
	feed.AddSource(source{"there"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				var l listener
				cancel := feed.Subscribe(&l)
				feed.Publish(of("own"))
				cancel()
				names := l.names()
				if !slices.Contains(names, "there") || !slices.Contains(names, "own") {
					t.Errorf("told of %q", names)
				}
			}
		})
	}
	wg.Wait()
}

// Whoever subscribes while a source is added is told of it by one or the other.
func TestSubscribe_WhileASourceIsAdded_MissesNothing(t *testing.T) {
	for range 300 {
		var feed changes.Feed
		var l listener
		var wg sync.WaitGroup
		wg.Go(func() { feed.AddSource(source{"a"}) })
		wg.Go(func() { feed.Subscribe(&l) })
		wg.Go(func() { feed.Subscribe(new(listener))() })
		wg.Wait()
		if !slices.Contains(l.names(), "a") {
			t.Fatalf("told of %q", l.names())
		}
	}
}
