package catalog

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/hearthd/hearth"
)

// shards bounds what a write copies: the records of one shard.
const shards = 64

// index is the copy of all records in memory. Readers take no lock: each
// shard is a map that is never written to, replaced as a whole by writers.
//
// Two parties write: the watch, with everything in the order of revisions, and
// this node's own writers, with what they just wrote, ahead of the watch or
// behind it. The higher revision wins. A deletion that is ahead of the watch
// stays as an entry without a record until the watch gets there; an own write
// that is behind the watch is dropped, because the entry that would outdo it
// may be gone already.
type index struct {
	seed   maphash.Seed
	shards [shards]shard
	// watched is the highest revision that the watch has reported. It is raised
	// under the lock of the shard that the report is for.
	watched atomic.Uint64
}

type shard struct {
	entries atomic.Pointer[map[key]entry]

	mu sync.Mutex // held by writers
}

type entry struct {
	record   *record // nil: deleted, and the watch does not know yet
	revision uint64
}

func newIndex() *index {
	x := &index{seed: maphash.MakeSeed()}
	for i := range x.shards {
		x.shards[i].entries.Store(&map[key]entry{})
	}
	return x
}

func (x *index) shard(k key) *shard {
	return &x.shards[maphash.Comparable(x.seed, k)%shards]
}

// get returns a record, or nil.
func (x *index) get(k key) *record {
	return (*x.shard(k).entries.Load())[k].record
}

// apply stores what this node wrote, or deleted (nil). It reports whether that
// was news.
func (x *index) apply(k key, r *record, revision uint64) bool {
	s := x.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision <= x.watched.Load() {
		return false
	}
	return s.replaceLocked(k, entry{r, revision})
}

// observe stores what the watch reports. It reports whether that was news.
func (x *index) observe(k key, r *record, revision uint64) bool {
	s := x.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision > x.watched.Load() {
		x.watched.Store(revision)
	}
	known := (*s.entries.Load())[k]
	if r == nil && known.revision <= revision {
		s.removeLocked(k)
		return known.record != nil
	}
	return s.replaceLocked(k, entry{r, revision})
}

// prune removes what a complete report up to a revision did not contain, and
// returns what was there.
func (x *index) prune(current map[key]bool, revision uint64) []key {
	var gone []key
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.Lock()
		for k, e := range *s.entries.Load() {
			if current[k] || e.revision > revision {
				continue
			}
			s.removeLocked(k)
			if e.record != nil {
				gone = append(gone, k)
			}
		}
		s.mu.Unlock()
	}
	return gone
}

func (s *shard) replaceLocked(k key, e entry) bool {
	old := *s.entries.Load()
	if known, ok := old[k]; ok && known.revision >= e.revision {
		return false
	}
	next := maps.Clone(old)
	next[k] = e
	s.entries.Store(&next)
	return true
}

func (s *shard) removeLocked(k key) {
	old := *s.entries.Load()
	if _, ok := old[k]; !ok {
		return
	}
	next := maps.Clone(old)
	delete(next, k)
	s.entries.Store(&next)
}

// all returns every version of every function that there is.
func (x *index) all() []*hearth.Function {
	var list []*hearth.Function
	for i := range x.shards {
		for _, e := range *x.shards[i].entries.Load() {
			if e.record != nil && e.record.Function != nil {
				list = append(list, e.record.Function)
			}
		}
	}
	return list
}
