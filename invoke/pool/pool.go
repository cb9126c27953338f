package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/environment"
)

// Environment is what the pool needs of an execution environment; see package
// environment for the contract. State and MemoryUsed must not block: the pool
// asks with its lock held.
type Environment interface {
	Init() bool
	Begin(inv *hearth.Invocation, free func()) (wait func() (hearth.Result, error))
	State() environment.State
	// MemoryUsed is the peak so far of the memory that it shares with no other, in MB;
	// 0 when unknown.
	MemoryUsed() int
	Freeze() error
	// Close may be called more than once, also while Init or Invoke runs,
	// which it ends.
	Close() error
}

// Open builds the environment of a function, without its init phase. initType is
// why: hearth.InitOnDemand, ... ctx ends with the pool.
//
// An environment of a function on managed instances takes as many events at a
// time as the function's MaxConcurrency, and is Idle while it lives.
type Open func(ctx context.Context, fn *hearth.Function, initType string) (Environment, error)

// Options of a Pool. Zero values get the defaults named here.
type Options struct {
	Open Open // required
	// Functions says which functions are current. It is asked, without a lock,
	// before the first start for a function. Nil: every function is.
	Functions Functions
	// Changes tells of functions that change, from New to Close: environments of
	// outdated ones are closed, at once or when they are free. Nil: none changes.
	Changes hearth.Changes
	// MaxConcurrency bounds the invocations in progress or waiting of each
	// account and region, AWS's account limit; see Reserve and Provision for
	// how it is shared out. Beyond it callers are throttled. Functions on
	// managed instances do not count; of each of them as many may wait. Default
	// 1000.
	MaxConcurrency int
	// MaxMemory bounds what the environments take, in MB: their memory size
	// while they work, their measured peak while they are idle. An invocation
	// that needs a new one beyond that waits for room; one that finds an idle
	// one never does. Default: no bound.
	MaxMemory int
	// MaxStarting bounds the starts in flight. Default: 4 for each core, at least 8.
	MaxStarting int
	// QueueTimeout is how long an invocation waits for an environment, be it
	// for room or for the start. Default 30 s.
	QueueTimeout time.Duration
	// IdleTimeout is how long an environment is kept unused, by Clock. Default 10 min.
	IdleTimeout time.Duration
	// MaxAge is how long an environment lives, by Clock: it takes no event after
	// that. Those that are provisioned, and those on managed instances that are at
	// work, get their successors a little before. Default: no bound.
	MaxAge time.Duration
	// FreezeAfter is how long an idle environment stays unfrozen. Default 500 ms.
	FreezeAfter time.Duration
	// Clock measures how long environments are unused, and live. The grace before they
	// are frozen and the wait in line are always real time. Default: the
	// machine's.
	Clock  clock.Clock
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	def := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	if o.MaxConcurrency == 0 {
		o.MaxConcurrency = 1000
	}
	if o.MaxStarting == 0 {
		o.MaxStarting = max(8, 4*runtime.NumCPU())
	}
	def(&o.QueueTimeout, 30*time.Second)
	def(&o.IdleTimeout, 10*time.Minute)
	def(&o.FreezeAfter, 500*time.Millisecond)
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// errClosed is what invocations get once the pool is closing.
var errClosed = fmt.Errorf("%w: shutting down", hearth.ErrUnavailable)

// Pool keeps environments. Create it with New and Close it.
type Pool struct {
	opts        Options
	ctx         context.Context // ends with Close
	cancel      context.CancelFunc
	wg          sync.WaitGroup // starts, closes, the reaper
	kick        chan struct{}  // wakes the reaper
	unsubscribe func()
	alarm       alarm

	closing  sync.Once
	closeErr error // valid after closing

	mu            sync.Mutex // released by unlock
	todo          *effects   // what unlock does; nil: nothing
	groups        map[groupKey]*group
	ledger        *ledger
	ages          ages
	active        int      // invocations in progress or waiting
	memory        int      // MB that members and starts in flight count as
	starting      int      // start slots in use
	startingAhead int      // starts in flight of environments to be provisioned, and successors
	needy         []*group // with waiters that have no start yet, in turn
	nextReap      time.Time
	expires       time.Time     // when expire is due; zero: it is not
	settled       chan struct{} // closed when startingAhead is 0; nil: nobody waits
	closed        bool
}

// New starts a pool without environments.
func New(opts Options) *Pool {
	opts.setDefaults()
	p := &Pool{
		opts: opts, kick: make(chan struct{}, 1), groups: map[groupKey]*group{}, unsubscribe: func() {},
		ledger: newLedger(opts.MaxConcurrency), ages: ages{max: opts.MaxAge, unused: opts.IdleTimeout},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background()) //nolint:forbidigo // the pool's own life, ended by Close
	p.wg.Go(p.reap)
	if opts.Changes != nil {
		p.unsubscribe = opts.Changes.Subscribe(p)
	}
	return p
}

// Reserve gives a function that much of its account's concurrency, for all its
// versions together: it cannot have more, and others cannot have it. Zero lets
// nothing run; nil gives it back. Invocations in progress go on.
func (p *Pool) Reserve(name hearth.Name, reserved *hearth.ReservedConcurrency) {
	p.mu.Lock()
	defer p.unlock()
	p.ledger.reserve(name, reserved)
}

// Stats counts what the pool holds.
type Stats struct {
	Environments int // all, idle ones included
	Idle         int
	Starting     int // being started
	Active       int // invocations in progress or waiting
	Memory       int // MB
}

// Stats returns the counts of this moment.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.unlock()
	s := Stats{Active: p.active, Memory: p.memory}
	for _, g := range p.groups {
		s.Environments += len(g.members)
		for _, m := range g.idle {
			if m.phase.atRest() {
				s.Idle++
			}
		}
		s.Starting += g.totals.starting
	}
	return s
}

// Close ends the pool: those who wait are refused, and every environment is
// closed, which fails the invocations in progress. It returns when no
// environment is left.
func (p *Pool) Close() error {
	p.closing.Do(func() {
		p.unsubscribe()
		all := p.takeAll()
		p.rearm() // which is calling it off by now
		p.cancel()
		errs := make([]error, len(all))
		var wg sync.WaitGroup
		for i, m := range all {
			wg.Go(func() { errs[i] = m.env.Close() })
		}
		wg.Wait()
		p.wg.Wait()
		p.closeErr = errors.Join(errs...)
	})
	return p.closeErr
}

// takeAll closes the pool to everybody, refuses those who wait, and takes all
// members out of it.
func (p *Pool) takeAll() (all []*member) {
	p.mu.Lock()
	defer p.unlock()
	p.closed = true
	p.settleLocked()
	for _, g := range p.groups {
		for len(g.waiters) > 0 {
			p.leaveLocked(g)
			p.grantAfterwards(g.popWaiter(), grant{err: errClosed})
		}
		if g.patience != nil {
			g.patience.Stop()
		}
		p.provisionLocked(g, ProvisionTarget{})
		for m := range g.members {
			p.moveLocked(m, phaseClosed)
			all = append(all, m)
		}
		p.forgetLocked(g)
	}
	p.needy = nil
	return all
}
