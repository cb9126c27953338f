package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/queue/journal"
)

// Invoker runs an event to its end; see invoke/dispatch for the contract.
type Invoker interface {
	Invoke(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error)
}

// Config is how the events of a function are treated.
type Config struct {
	// FunctionID is the ID of the function that has the name now; see
	// hearth.Function. Events of another end without being run.
	FunctionID string
	// Unknown says that there is a function of which FunctionID is not known: what
	// is stored of it cannot be read. Its events are not another's.
	Unknown bool
	MaxAge  time.Duration // 0: DefaultMaxAge
	Retries int           // after the first attempt, 0-2
	// Paused says that the function's reserved concurrency is zero: its events
	// go to their destination without being run.
	Paused bool
	destination.Rules
}

// Defaults of a Config, AWS's.
const (
	DefaultMaxAge  = 6 * time.Hour
	DefaultRetries = 2
)

// ErrFull is what Accept returns when as many events wait as may. It is a
// hearth.Throttle too.
var ErrFull = errors.New("the event queue is full")

// Options of a Queue. Zero values get the defaults named here.
type Options struct {
	Log     journal.Log // required
	Invoker Invoker     // required
	// NewID names the events that tell destinations. Required.
	NewID func() string
	// Config returns how the events of a function are treated: the zero value
	// when there is no such function. It is asked whenever an event is run or
	// has ended. Default: AWS's defaults.
	Config func(name hearth.Name, qualifier string) Config
	Clock  clock.Clock // default: the machine's
	// MaxEvents bounds the events that wait. Default 1,000,000.
	MaxEvents int
	// MaxMemory bounds the bytes of payloads that are kept in memory. Default 64 MiB.
	MaxMemory int
	// Slack and TrimAt are the journal's; see journal.Options.
	Slack, TrimAt int
	// MaxRunning bounds the events that run at a time, MaxPerFunction those of
	// one function. Defaults 500 and half of MaxRunning.
	MaxRunning, MaxPerFunction int
	Logger                     *slog.Logger // nil: silent
}

func (o *Options) setDefaults() {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Config == nil {
		o.Config = func(hearth.Name, string) Config { return Config{Retries: DefaultRetries} }
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	def(&o.MaxEvents, 1_000_000)
	def(&o.MaxMemory, 64<<20)
	def(&o.MaxRunning, 500)
	def(&o.MaxPerFunction, (o.MaxRunning+1)/2)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Queue is an open queue. Close it.
type Queue struct {
	opts    Options
	journal *journal.Journal
	ctx     context.Context // ends with Drain or Close: no event waits for an environment then
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	lines     map[owner]*line
	turn      []*line // those that can start an event, whose turn it is first
	started   bool    // Start was called
	draining  bool    // nothing is started any more
	abandoned bool    // what fails now fails because of Close
	events    int     // accepted, not done
	accepting int     // on their way into the journal
	memory    int     // bytes of payloads of events
	ready     int
	active    int           // running
	rest      chan struct{} // closed when nothing is ready or running; nil: nobody waits
	stats     Stats
}

// Stats counts events: those there are, and what has become of others since Open.
type Stats struct {
	Ready, Running, Delayed int
	Recovered               int    // found by Open
	Accepted                uint64 // by Accept, and for destinations
	Succeeded               uint64
	Exhausted               uint64 // given up after their last attempt
	Expired                 uint64 // given up for their age
	Refused                 uint64 // of functions without concurrency
	Dropped                 uint64 // of functions that are gone, and of loops
	Failures                uint64 // runs that ended with the function's failure
	Throttles               uint64 // turns that ended with a throttle, or hearth's failure
	Undelivered             uint64 // messages to targets that cannot be reached
	Journal                 journal.Stats
}

// Open reads the journal. Nothing is run before Start. ctx bounds the reading;
// its values stay with the queue.
func Open(ctx context.Context, opts Options) (*Queue, error) {
	opts.setDefaults()
	q := &Queue{opts: opts, lines: map[owner]*line{}}
	q.ctx, q.cancel = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	q.journal, err = journal.Open(ctx, journal.Options{
		Log: opts.Log, Slack: opts.Slack, TrimAt: opts.TrimAt, Logger: opts.Logger,
	}, func(id string, state []byte) error {
		ev, of, err := decodeState(id, state)
		if err != nil {
			return err
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.stats.Recovered++
		q.events++
		q.addLocked(ev, q.lineLocked(of))
		return nil
	})
	if err != nil {
		q.cancel()
		return nil, fmt.Errorf("open event queue: %w", err)
	}
	if n := q.stats.Recovered; n > 0 {
		opts.Logger.Info("events found in the queue", "events", n)
	}
	return q, nil
}

// Start begins to run events.
func (q *Queue) Start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.started = true
	q.startLocked()
}

// Accept takes an event over: when it returns nil, the event will be run, as
// long as there is its function: the one that FunctionID names. Of the rest of
// the invocation, RequestID, Payload, TraceID, which is set when it is empty,
// and TenantID count. ctx bounds the wait to be taken in. Errors: ErrFull,
// hearth.ErrUnavailable, after which the event may be run all the same, and
// ctx's cause.
func (q *Queue) Accept(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) error {
	if inv.TraceID == "" { // one for all attempts
		inv.TraceID = dispatch.NewTrace()
	}
	of := owner{name, inv.FunctionID}
	ev := &event{
		id: inv.RequestID, qualifier: qualifier, trace: inv.TraceID, tenant: inv.TenantID,
		accepted: q.opts.Clock.Now(), payload: inv.Payload, line: &line{owner: of},
	}
	op, err := ev.put()
	if err != nil {
		return err
	}
	if err := q.reserve(); err != nil {
		return fmt.Errorf("accept event for %s: %w", name, err)
	}
	err = q.journal.Commit(ctx, op)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.accepting--
	if err != nil {
		return fmt.Errorf("accept event for %s: %w", name, err)
	}
	q.stats.Accepted++
	q.events++
	q.addLocked(ev, q.lineLocked(of))
	q.startLocked()
	return nil
}

// reserve takes the room of an event.
func (q *Queue) reserve() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.events+q.accepting >= q.opts.MaxEvents {
		return fmt.Errorf("%w: %w", ErrFull, &hearth.Throttle{Reason: hearth.ThrottleInvocationRate, RetryAfter: time.Second})
	}
	q.accepting++
	return nil
}

// put is the operation that adds the event to the journal.
func (ev *event) put() (journal.Op, error) {
	state, err := ev.encode()
	return journal.Op{Kind: journal.Put, ID: ev.id, State: state, Payload: ev.payload}, err
}

// Settle waits until no event is running or ready: what is left is delayed.
// It is for a clock that is advanced step by step.
func (q *Queue) Settle(ctx context.Context) error {
	q.mu.Lock()
	if q.ready+q.active == 0 || q.draining || !q.started {
		q.mu.Unlock()
		return nil
	}
	if q.rest == nil {
		q.rest = make(chan struct{})
	}
	rest := q.rest
	q.mu.Unlock()
	select {
	case <-rest:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for events: %w", context.Cause(ctx))
	}
}

// restLocked wakes those who wait for nothing to run.
func (q *Queue) restLocked() {
	if q.rest != nil && (q.ready+q.active == 0 || q.draining) {
		close(q.rest)
		q.rest = nil
	}
}

// Stats returns the counts of this moment.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Ready, s.Running, s.Delayed = q.ready, q.active, q.events-q.ready-q.active
	s.Journal = q.journal.Stats()
	return s
}

// Drain starts nothing more and waits for what runs, until ctx ends. Events
// that wait for an environment are given back.
func (q *Queue) Drain(ctx context.Context) {
	q.mu.Lock()
	q.draining = true
	q.restLocked()
	q.mu.Unlock()
	q.cancel()
	done := make(chan struct{})
	go func() { // ends with the last event; Close waits for those, too
		q.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abandoned = true
}

// Close gives back what has not ended, as it was, and closes the journal. What
// still runs must be about to end: the environments are closed first. It may
// be called again.
func (q *Queue) Close() {
	ended, cancel := context.WithCancel(q.ctx)
	cancel()
	q.Drain(ended)
	q.running.Wait()
	q.journal.Close()
}
