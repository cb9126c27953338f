// Package mirror keeps a typed copy in memory of the records under a prefix of
// a store.KV, so that what happens for every invocation never waits for
// storage.
//
//	writer ──► KV ──► watch ──► decode ──┐
//	   │                                 ▼
//	   └─────── Wrote, Deleted ──────► index ──► Get, Find, All
//	                                     └─────► Changed
//
// On the node that made a change Get shows it as soon as Wrote or Deleted has
// returned; other nodes follow within milliseconds. A mirror survives the loss
// of the store's connection.
//
// A record that cannot be read is not the same as none: it is logged, Find returns
// the reason, and no change is one of a deletion because of it.
package mirror

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth/store"
)

// retryPause is how long a mirror waits before it watches again after the
// store has ended a watch.
const retryPause = time.Second

// Options of a Mirror of values V by keys K. All are required.
type Options[K comparable, V any] struct {
	KV     store.KV
	Prefix string
	// Key reads a key; a record for which it fails is skipped and logged.
	Key func(key string) (K, error)
	// Value reads the value of a key; one for which it fails is unreadable, with
	// that error as the reason.
	Value func(k K, value []byte) (*V, error)
	// Changed is called after Get shows a created, changed or deleted value,
	// once per change, from whatever goroutine applied it, one call at a time;
	// not for what Open reads. Get may show a later change by then. It must not
	// block, and not call Close, Wrote or Deleted.
	Changed func(k K)
	Logger  *slog.Logger
}

// Mirror is a copy that follows the store. All methods may be called from
// several goroutines. Nobody may write to the values that it returns.
type Mirror[K comparable, V any] struct {
	opts   Options[K, V]
	index  *index[K, V]
	loaded bool // by follow's goroutine: the first reading is complete

	// telling is held while a change is applied and Changed is told of it: a
	// writer whose write the watch or another writer has outdone waits until
	// Changed knows.
	telling sync.Mutex

	stop context.CancelFunc
	done sync.WaitGroup
}

// New returns a mirror that is empty until Open.
func New[K comparable, V any](opts Options[K, V]) *Mirror[K, V] {
	return &Mirror[K, V]{opts: opts, index: newIndex[K, V]()}
}

// Open reads what is there and follows its changes until Close. ctx bounds the
// reading. Call it once; after an error there is nothing to close.
func (m *Mirror[K, V]) Open(ctx context.Context) error {
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	synced := make(chan error, 1)
	m.done.Go(func() { m.follow(following, synced) })
	var err error
	select {
	case err = <-synced:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		m.Close()
		return fmt.Errorf("read %s of the store: %w", m.opts.Prefix, err)
	}
	return nil
}

// Close stops following and waits for it. Get keeps answering from what there
// is.
func (m *Mirror[K, V]) Close() {
	m.stop()
	m.done.Wait()
}

// Get returns a value, or nil. It neither waits nor allocates.
func (m *Mirror[K, V]) Get(k K) *V { return m.index.get(k).value }

// Find is Get that tells apart, by the error of Options.Value, what cannot be read.
// Both are nil when there is nothing.
func (m *Mirror[K, V]) Find(k K) (*V, error) {
	e := m.index.get(k)
	return e.value, e.unreadable
}

// All yields every value that can be read, in no order.
func (m *Mirror[K, V]) All() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		for k, e := range m.index.all() {
			if e.value != nil && !yield(k, e.value) {
				return
			}
		}
	}
}

// Keys yields the key of everything that there is, readable or not, in no order.
func (m *Mirror[K, V]) Keys() iter.Seq[K] {
	return func(yield func(K) bool) {
		for k := range m.index.all() {
			if !yield(k) {
				return
			}
		}
	}
}

// Wrote shows what this node wrote at a revision: when it returns, Changed has been
// told. The mirror keeps v.
func (m *Mirror[K, V]) Wrote(k K, v *V, revision uint64) { m.applied(k, v, revision) }

// Deleted removes what this node deleted at a revision, as Wrote shows a write.
func (m *Mirror[K, V]) Deleted(k K, revision uint64) { m.applied(k, nil, revision) }

func (m *Mirror[K, V]) applied(k K, v *V, revision uint64) {
	m.telling.Lock()
	defer m.telling.Unlock()
	if m.index.apply(k, v, revision) {
		m.opts.Changed(k)
	}
}

// follow keeps the index up to date until ctx ends. It reports the first
// reading, or why it failed, on synced.
func (m *Mirror[K, V]) follow(ctx context.Context, synced chan<- error) {
	for {
		err := m.watch(ctx, synced)
		if ctx.Err() != nil {
			return
		}
		if !m.loaded {
			synced <- err
			return
		}
		m.opts.Logger.Warn("copy in memory does not follow the store; trying again", "prefix", m.opts.Prefix, "error", err)
		timer := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// watch applies what the store reports until the watch ends. The first reading
// is no change to anybody; what a later one finds is.
func (m *Mirror[K, V]) watch(ctx context.Context, synced chan<- error) error {
	current := map[K]bool{} // reported before Synced; nil after it
	return m.opts.KV.Watch(ctx, m.opts.Prefix, func(e store.Event) error {
		if e.Kind == store.EventSynced {
			m.prune(current, e.Revision)
			current = nil
			if !m.loaded {
				m.loaded = true
				synced <- nil
			}
			return nil
		}
		k, err := m.opts.Key(e.Key)
		if err != nil {
			m.opts.Logger.Error("copy in memory skips a record", "key", e.Key, "error", err)
			return nil
		}
		seen := m.decode(k, e)
		if current != nil && seen.there() {
			current[k] = true
		}
		m.observe(k, seen)
		return nil
	})
}

// observe applies what the watch reports, and tells of it once all is read.
func (m *Mirror[K, V]) observe(k K, seen entry[V]) {
	m.telling.Lock()
	defer m.telling.Unlock()
	if m.index.observe(k, seen) && m.loaded {
		m.opts.Changed(k)
	}
}

// prune removes what a complete report did not contain, and tells of it.
func (m *Mirror[K, V]) prune(current map[K]bool, revision uint64) {
	m.telling.Lock()
	defer m.telling.Unlock()
	for _, k := range m.index.prune(current, revision) {
		m.opts.Changed(k)
	}
}

// decode reads what an event says of its key.
func (m *Mirror[K, V]) decode(k K, e store.Event) entry[V] {
	if e.Kind != store.EventPut {
		return entry[V]{revision: e.Revision}
	}
	v, err := m.opts.Value(k, e.Value)
	if err != nil {
		m.opts.Logger.Error("a record cannot be read and is of no use; it is kept", "key", e.Key, "error", err)
		return entry[V]{unreadable: err, revision: e.Revision}
	}
	return entry[V]{value: v, revision: e.Revision}
}
