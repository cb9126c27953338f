package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/hearthd/hearth"
)

// Log is where the journal is written; see store.Log for the contract. Nobody
// else may write to it.
type Log interface {
	Append(ctx context.Context, entry []byte) (number uint64, err error)
	Read(ctx context.Context, number uint64) ([]byte, error)
	Replay(ctx context.Context, fn func(number uint64, entry []byte) error) error
	Trim(ctx context.Context, before uint64) error
}

// ErrClosed is what a Commit gets once the journal is closing. It is a
// hearth.ErrUnavailable.
var ErrClosed = fmt.Errorf("%w: the journal is closed", hearth.ErrUnavailable)

// Options of a Journal. Zero values get the defaults named here.
type Options struct {
	Log Log // required
	// MaxGroup is how many bytes one entry gathers, in rounded numbers: a
	// Commit that is larger has an entry to itself. Default 1 MiB.
	MaxGroup int
	// Slack is how many bytes of the log may be dead before live records are
	// carried forward to free them, and TrimAt how many before the log is
	// trimmed at all. Defaults 64 MiB and 8 MiB.
	Slack, TrimAt int
	Logger        *slog.Logger // nil: silent
}

// maxWaiting bounds the Commits that wait to be gathered; more wait outside.
const maxWaiting = 1024

// Journal is an open journal. Close it.
type Journal struct {
	opts     Options
	requests chan *request
	closing  chan struct{} // closed when Close begins
	closed   chan struct{} // closed when the committer has ended
	once     sync.Once
	trims    sync.WaitGroup
	ctx      context.Context

	mu       sync.Mutex
	items    map[string]*item
	segments []*segment // of the log, the oldest first; the first has live records
	bytes    int        // of all segments
	live     int        // bytes of the live records among them
	dead     int        // bytes of the log before the first segment
	trimming bool
	opening  bool // Open needs the states
	stats    Stats
	cache    []*loaded // entries that were read, the latest last
}

// item is where a record is.
type item struct {
	segment *segment
	size    int
	state   []byte // nil: as in the log, beside the payload
}

// segment is an entry of the log.
type segment struct {
	number uint64
	bytes  int
	live   int // records that are to be read from here
}

// loaded is an entry that was read.
type loaded struct {
	number   uint64
	payloads map[string][]byte
}

// Stats counts what the journal did since Open.
type Stats struct {
	Live     int    // records now
	Bytes    int    // of the log now, without what can be trimmed
	Commits  uint64 // that returned nil
	Entries  uint64 // appended: Commits per entry is what group commit saves
	Carried  uint64 // records that were written again to make room
	Trimmed  uint64 // times that the log was trimmed
	Failures uint64 // entries that could not be appended
}

// Open reads the log, calls live for every record in the order in which they
// were put, and starts the committer. ctx bounds the reading. The state that
// live gets is the callee's to keep.
func Open(ctx context.Context, opts Options, live func(id string, state []byte) error) (*Journal, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&opts.MaxGroup, 1<<20)
	def(&opts.Slack, 64<<20)
	def(&opts.TrimAt, 8<<20)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	j := &Journal{
		opts: opts, ctx: context.WithoutCancel(ctx), items: map[string]*item{}, requests: make(chan *request, maxWaiting),
		closing: make(chan struct{}), closed: make(chan struct{}), opening: true,
	}
	if err := j.replay(ctx, live); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	go j.commitAll() // ended and waited for by Close
	return j, nil
}

// replay makes the index of the log.
func (j *Journal) replay(ctx context.Context, live func(id string, state []byte) error) error {
	changed := map[string]bool{} // records whose state is not the one beside the payload
	err := j.opts.Log.Replay(ctx, func(number uint64, entry []byte) error {
		var ops []Op
		if err := decode(entry, func(o Op) { ops = append(ops, o) }); err != nil {
			return fmt.Errorf("entry %d: %w: %w", number, hearth.ErrInvalid, err)
		}
		for i := range ops {
			changed[ops[i].ID] = ops[i].Kind == Set
			if ops[i].Kind == Done {
				delete(changed, ops[i].ID)
			}
		}
		j.applyLocked(number, len(entry), ops) // nobody else has j yet
		return nil
	})
	j.opening = false
	if err != nil {
		return err
	}
	type record struct {
		id string
		it *item
	}
	all := make([]record, 0, len(j.items))
	for id, it := range j.items {
		all = append(all, record{id, it})
	}
	slices.SortFunc(all, func(a, b record) int {
		if a.it.segment != b.it.segment {
			return int(int64(a.it.segment.number) - int64(b.it.segment.number)) //nolint:gosec // far below the limits
		}
		return bytes.Compare([]byte(a.id), []byte(b.id))
	})
	for _, r := range all {
		if err := live(r.id, bytes.Clone(r.it.state)); err != nil {
			return fmt.Errorf("record %s: %w", r.id, err)
		}
		if !changed[r.id] {
			r.it.state = nil
		}
	}
	return nil
}

// applyLocked changes the index by the ops of an entry that is on disk.
func (j *Journal) applyLocked(number uint64, size int, ops []Op) {
	s := &segment{number: number, bytes: size}
	j.segments = append(j.segments, s)
	j.bytes += size
	for i := range ops {
		o := &ops[i]
		it := j.items[o.ID]
		if it != nil && o.Kind != Set {
			it.segment.live--
			j.live -= it.size
			delete(j.items, o.ID)
		}
		switch {
		case o.Kind == Put:
			s.live++
			j.live += o.size()
			it = &item{segment: s, size: o.size()}
			if j.items[o.ID] = it; j.opening {
				it.state = bytes.Clone(o.State)
			}
		case o.Kind == Set && it != nil:
			it.state = bytes.Clone(o.State)
		}
	}
	for len(j.segments) > 1 && j.segments[0].live == 0 {
		j.bytes -= j.segments[0].bytes
		j.dead += j.segments[0].bytes
		j.segments[0] = nil
		j.segments = j.segments[1:]
	}
}

// Payload returns the payload of a record; hearth.ErrNotFound when it is done.
func (j *Journal) Payload(ctx context.Context, id string) ([]byte, error) {
	for {
		j.mu.Lock()
		it := j.items[id]
		if it == nil {
			j.mu.Unlock()
			return nil, fmt.Errorf("payload of %s: %w", id, hearth.ErrNotFound)
		}
		number := it.segment.number
		payload, there, loaded := j.cachedLocked(number, id)
		j.mu.Unlock()
		switch {
		case there:
			return payload, nil
		case loaded:
			return nil, fmt.Errorf("payload of %s: not in entry %d: %w", id, number, errEntry)
		}
		err := j.load(ctx, number)
		if err != nil && (!errors.Is(err, hearth.ErrNotFound) || !j.moved(id, number)) {
			return nil, fmt.Errorf("payload of %s: %w", id, err)
		}
	}
}

// moved reports whether a record is not in an entry any more.
func (j *Journal) moved(id string, number uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	it := j.items[id]
	return it == nil || it.segment.number != number
}

// maxCached is how many entries are kept after they were read: events are run
// about in the order in which they came, and so share entries.
const maxCached = 8

// load reads an entry into the cache.
func (j *Journal) load(ctx context.Context, number uint64) error {
	entry, err := j.opts.Log.Read(ctx, number)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	l := &loaded{number: number, payloads: map[string][]byte{}}
	if err := decode(entry, func(o Op) {
		if o.Kind == Put {
			l.payloads[o.ID] = o.Payload
		}
	}); err != nil {
		return fmt.Errorf("entry %d: %w", number, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.cache) == maxCached {
		j.cache = slices.Delete(j.cache, 0, 1)
	}
	j.cache = append(j.cache, l)
	return nil
}

// cachedLocked looks into an entry, if it is loaded.
func (j *Journal) cachedLocked(number uint64, id string) (payload []byte, there, loaded bool) {
	for i, l := range j.cache {
		if l.number == number {
			j.cache = append(slices.Delete(j.cache, i, i+1), l)
			payload, there = l.payloads[id]
			return bytes.Clone(payload), there, true
		}
	}
	return nil, false, false
}

// Stats returns the counts of this moment.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Live, s.Bytes = len(j.items), j.bytes
	return s
}
