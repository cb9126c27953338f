package subscription

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
)

// subscriber is what one extension subscribed to, and its queue.
type subscriber struct {
	name, api string
	dropped   func(s *subscriber, records, bytes int)
	send      *sender

	wake chan struct{} // capacity 1: look at the queue, or try again

	mu       sync.Mutex
	req      *request
	queue    [][]byte // records as JSON, each with a newline
	bytes    int      // of queue
	first    time.Time
	flushing bool            // deliver whatever there is
	idle     []chan struct{} // closed when the queue is empty, or delivery fails
	busy     bool            // a batch is being delivered
	held     bool            // the processes are frozen
	broken   bool            // the processes may be dead
	stale    bool            // connections are to processes that were reset
	lost     int
	lostSize int
	report   report // the last that was queued
}

// report is a record that says what was lost.
type report struct {
	record        []byte
	records, size int
}

// queueBatches is how many batches of maxBytes a queue holds.
const queueBatches = 8

func newSubscriber(name, api string, r *request, n Network, dropped func(*subscriber, int, int)) *subscriber {
	return &subscriber{
		name: name, api: api, req: r, dropped: dropped,
		send: newSender(n), wake: make(chan struct{}, 1),
	}
}

// change replaces what was subscribed to.
func (s *subscriber) change(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.req = r
	s.signal()
}

// signal wakes the goroutine.
func (s *subscriber) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// take queues an entry, if it is subscribed to. The entry is only lent.
func (s *subscriber) take(env *schema.Environment, e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := typePlatform
	if e.event == nil {
		kind = string(e.source)
	}
	if !slices.Contains(s.req.types, kind) {
		return
	}
	var b []byte
	if e.event != nil {
		b = env.AppendEvent(nil, s.req.version, e.event)
	} else {
		b = schema.AppendLine(nil, s.req.version, e.time, e.source, e.line, 2*s.req.bytes-2)
	}
	// What says that there was no room is not subject to it: one for each batch.
	urgent := e.event != nil && e.event.Kind == hearth.EventLogsDropped
	if urgent {
		s.report = report{b, e.event.Records, e.event.Bytes}
	}
	for len(b) > 0 { // the report of the Logs API is two
		end := slices.Index(b, '\n') + 1
		if record := b[:end:end]; urgent || s.roomLocked(len(record)) {
			s.pushLocked(record)
		} else {
			s.lost, s.lostSize = s.lost+1, s.lostSize+len(record)
		}
		b = b[end:]
	}
}

func (s *subscriber) roomLocked(size int) bool {
	return len(s.queue) < 2*s.req.items && s.bytes+size <= queueBatches*s.req.bytes
}

func (s *subscriber) pushLocked(record []byte) {
	if len(s.queue) == 0 {
		s.first = time.Now()
	}
	s.queue = append(s.queue, record)
	s.bytes += len(record)
	if len(s.queue) == 1 || s.fullLocked() {
		s.signal()
	}
}

func (s *subscriber) fullLocked() bool {
	return len(s.queue) >= s.req.items || s.bytes >= s.req.bytes
}

// lose counts records that never came to the queue.
func (s *subscriber) lose(records, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost, s.lostSize = s.lost+records, s.lostSize+bytes
}

// tell says whether the processes can be expected to listen.
func (s *subscriber) tell(held, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.broken, s.stale = held, broken, s.stale || broken
	s.signal()
}

// flush has the queue delivered at once. The channel is closed when that is
// done, or cannot be done now.
func (s *subscriber) flush() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := make(chan struct{})
	if len(s.queue) == 0 && !s.busy || s.held {
		close(done)
		return done
	}
	s.flushing = true
	s.idle = append(s.idle, done)
	s.signal()
	return done
}

func (s *subscriber) releaseLocked() {
	for _, done := range s.idle {
		close(done)
	}
	s.idle, s.flushing = nil, false
}

// run delivers until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	defer s.send.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		batch, req, wait := s.next(time.Now())
		if batch != nil {
			s.deliver(ctx, batch, req)
			continue
		}
		timer.Stop()
		if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// next returns the batch that is due, or how long it is until one is; 0: there
// is nothing to wait for.
func (s *subscriber) next(now time.Time) (batch [][]byte, r *request, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	switch due := s.first.Add(s.req.timeout); {
	case len(s.queue) == 0:
		s.releaseLocked()
		return nil, nil, 0
	case s.held:
		return nil, nil, 0
	case !s.flushing && !s.fullLocked() && due.After(now):
		return nil, nil, due.Sub(now)
	}
	n, size := 0, 0
	for n < len(s.queue) && n < s.req.items && (n == 0 || size+len(s.queue[n]) <= s.req.bytes) {
		size += len(s.queue[n])
		n++
	}
	batch = s.queue[:n:n]
	s.queue = append([][]byte(nil), s.queue[n:]...)
	s.bytes -= size
	s.first, s.busy = now, true
	return batch, s.req, 0
}

// wasReset reports whether the processes were reset since it was last called.
func (s *subscriber) wasReset() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stale := s.stale
	s.stale = false
	return stale
}

// Pauses between the attempts to deliver a batch.
const (
	firstPause = 25 * time.Millisecond
	maxPause   = time.Second
	attempts   = 15 // about ten seconds of pauses
)

// deliver sends a batch until it is taken, or given up.
func (s *subscriber) deliver(ctx context.Context, batch [][]byte, r *request) {
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, min(2*pause, maxPause) {
		if s.wasReset() {
			s.send.close() // or the first batch would go to the dead
		}
		if s.send.batch(ctx, r, batch) == nil {
			s.reportLost()
			return
		}
		if ctx.Err() != nil {
			return
		}
		if attempt == attempts {
			s.giveUp(batch)
			return
		}
		r = s.await(ctx, pause)
	}
}

// giveUp counts a batch as lost. Where it was nothing but the report of what was
// lost before, the next is made when something is taken again: nobody takes it
// now, and reports of reports would fill the log.
func (s *subscriber) giveUp(batch [][]byte) {
	s.mu.Lock()
	last := s.report
	s.mu.Unlock()
	if len(batch) == 1 && len(last.record) > 0 && &batch[0][0] == &last.record[0] {
		s.lose(last.records, last.size)
		return
	}
	size := 0
	for _, record := range batch {
		size += len(record)
	}
	s.lose(len(batch), size)
	s.reportLost()
}

// await waits for the next attempt: for a pause, and until the processes are
// there again. It returns the destination to try.
func (s *subscriber) await(ctx context.Context, pause time.Duration) *request {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	over := false
	for {
		s.mu.Lock()
		s.releaseLocked()
		r, gone := s.req, s.held || s.broken
		s.mu.Unlock()
		if over && !gone || ctx.Err() != nil {
			return r
		}
		select {
		case <-timer.C:
			over = true
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// reportLost reports what was lost since it was last called.
func (s *subscriber) reportLost() {
	s.mu.Lock()
	records, size := s.lost, s.lostSize
	s.lost, s.lostSize = 0, 0
	s.mu.Unlock()
	if records > 0 {
		s.dropped(s, records, size)
	}
}
