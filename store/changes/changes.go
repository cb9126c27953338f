// Package changes is the one feed of what changes in the control plane: any
// number of subscribers, at any time, each of which is first told of everything
// that there is and then of every change.
//
//	catalog ──┐ Publish             ┌──► pool
//	          ├────────────► Feed ──┼──► provisioned concurrency
//	records ──┘ AddSource           └──► ...
//
// A change names a resource and carries no value: a subscriber looks up what
// there is now. That makes it harmless that a change is told twice or that two
// overtake each other, and lets the feed keep nothing: a replay asks the sources
// for what they hold at that moment.
//
// Subscribers are called on the goroutine that made the change, before the write
// returns to its caller, so that on this node a change has taken effect when its
// request is answered. Changes of other nodes come from the goroutine that follows
// the store.
package changes

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hearthd/hearth"
)

// Source is a copy in memory of a part of what the store keeps.
type Source interface {
	// Changes yields a change for every resource that there is now, in no order.
	Changes() iter.Seq[hearth.Change]
}

// Feed tells subscribers of changes. The zero Feed is ready for use; its methods
// may be called from several goroutines.
type Feed struct {
	subscriptions atomic.Pointer[[]*subscription] // never written to, replaced as a whole

	mu      sync.Mutex // held by those who replace, or add sources
	sources []Source
}

// subscription is one subscriber.
type subscription struct {
	subscriber hearth.Subscriber

	mu       sync.RWMutex // read-held during calls, so that cancel waits for them
	canceled bool
}

func (s *subscription) tell(c hearth.Change) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.canceled {
		s.subscriber.Changed(c)
	}
}

// AddSource adds a source, once it holds what there is. Those who have subscribed
// are told of all of it.
func (f *Feed) AddSource(source Source) {
	f.mu.Lock()
	f.sources = append(f.sources, source)
	f.mu.Unlock()
	for c := range source.Changes() {
		f.Publish(c)
	}
}

// Publish tells every subscriber of a change. A source calls it once a look-up
// shows the change.
func (f *Feed) Publish(c hearth.Change) {
	if all := f.subscriptions.Load(); all != nil {
		for _, s := range *all {
			s.tell(c)
		}
	}
}

// Subscribe is hearth.Changes'.
func (f *Feed) Subscribe(subscriber hearth.Subscriber) (cancel func()) {
	s := &subscription{subscriber: subscriber}
	// From here on the subscriber is told of what changes; what was there before
	// follows from the sources.
	sources := f.add(s)
	for _, source := range sources {
		for c := range source.Changes() {
			s.tell(c)
		}
	}
	return func() {
		f.remove(s)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.canceled = true
	}
}

func (f *Feed) add(s *subscription) (sources []Source) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := append(f.all(), s)
	f.subscriptions.Store(&next)
	return slices.Clone(f.sources)
}

func (f *Feed) remove(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := slices.DeleteFunc(f.all(), func(other *subscription) bool { return other == s })
	f.subscriptions.Store(&next)
}

// all returns a copy of the subscriptions.
func (f *Feed) all() []*subscription {
	if all := f.subscriptions.Load(); all != nil {
		return slices.Clone(*all)
	}
	return nil
}
