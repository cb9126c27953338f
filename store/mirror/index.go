package mirror

import (
	"hash/maphash"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
)

// shards bounds what a write copies: the values of one shard.
const shards = 64

// index is the copy in memory. Readers take no lock: each shard is a map that
// is never written to, replaced as a whole by writers.
//
// Two parties write: the watch, with everything in the order of revisions, and
// this node's own writers, with what they just wrote, ahead of the watch or
// behind it. The higher revision wins. A deletion that is ahead of the watch
// stays as an entry without a value until the watch gets there; an own write
// that is behind the watch is dropped, because the entry that would outdo it
// may be gone already.
type index[K comparable, V any] struct {
	seed   maphash.Seed
	shards [shards]shard[K, V]
	// watched is the highest revision that the watch has reported, or covered by a
	// complete report. It is raised before what the report says is in the shards,
	// so that an own write that is not newer either comes before that, or is dropped.
	watched atomic.Uint64
}

type shard[K comparable, V any] struct {
	entries atomic.Pointer[map[K]entry[V]]

	mu sync.Mutex // held by writers
}

// entry is a value, or why there is none: it cannot be read. With neither, it is
// that of a deletion of which the watch does not know yet.
type entry[V any] struct {
	value      *V
	unreadable error
	revision   uint64
}

// there reports whether the store has a record.
func (e entry[V]) there() bool { return e.value != nil || e.unreadable != nil }

func newIndex[K comparable, V any]() *index[K, V] {
	x := &index[K, V]{seed: maphash.MakeSeed()}
	for i := range x.shards {
		x.shards[i].entries.Store(&map[K]entry[V]{})
	}
	return x
}

func (x *index[K, V]) shard(k K) *shard[K, V] {
	return &x.shards[maphash.Comparable(x.seed, k)%shards]
}

// get returns what there is of a key.
func (x *index[K, V]) get(k K) entry[V] {
	return (*x.shard(k).entries.Load())[k]
}

// apply stores what this node wrote, or deleted (nil). It reports whether that
// was news.
func (x *index[K, V]) apply(k K, v *V, revision uint64) bool {
	s := x.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision <= x.watched.Load() {
		return false
	}
	return s.replaceLocked(k, entry[V]{value: v, revision: revision})
}

// observe stores what the watch reports. It reports whether that was news.
func (x *index[K, V]) observe(k K, e entry[V]) bool {
	s := x.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	x.raise(e.revision)
	known := (*s.entries.Load())[k]
	if !e.there() && known.revision <= e.revision {
		s.removeLocked(k)
		return known.there()
	}
	return s.replaceLocked(k, e)
}

// prune removes what a complete report up to a revision did not contain, and
// returns what was there.
func (x *index[K, V]) prune(current map[K]bool, revision uint64) []K {
	x.raise(revision)
	var gone []K
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		for k, e := range *s.entries.Load() {
			if current[k] || e.revision > revision {
				continue
			}
			s.removeLocked(k)
			if e.there() {
				gone = append(gone, k)
			}
		}
		s.mu.Unlock()
	}
	return gone
}

// raise notes how far the watch has come. Only the watch calls it.
func (x *index[K, V]) raise(revision uint64) {
	if revision > x.watched.Load() {
		x.watched.Store(revision)
	}
}

func (s *shard[K, V]) replaceLocked(k K, e entry[V]) bool {
	old := *s.entries.Load()
	if known, ok := old[k]; ok && known.revision >= e.revision {
		return false
	}
	next := maps.Clone(old)
	next[k] = e
	s.entries.Store(&next)
	return true
}

func (s *shard[K, V]) removeLocked(k K) {
	old := *s.entries.Load()
	if _, ok := old[k]; !ok {
		return
	}
	next := maps.Clone(old)
	delete(next, k)
	s.entries.Store(&next)
}

// all yields everything that there is.
func (x *index[K, V]) all() iter.Seq2[K, entry[V]] {
	return func(yield func(K, entry[V]) bool) {
		for i := range x.shards {
			for k, e := range *x.shards[i].entries.Load() {
				if e.there() && !yield(k, e) {
					return
				}
			}
		}
	}
}
