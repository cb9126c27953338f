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
	// MemoryUsed is the peak so far in MB; 0 when unknown.
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
	// Current reports whether a function is still what its name and version
	// stand for; it must not call the pool. It is asked before the first start
	// for a function, so that an invocation which was resolved just before a
	// change leaves no environment that the Retire of the change did not see.
	// Default: every function is.
	Current func(fn *hearth.Function) bool
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
	// that. Those that are kept, and those of managed instances at work, are
	// replaced a little before. Default: no bound.
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
	if o.Current == nil {
		o.Current = func(*hearth.Function) bool { return true }
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
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // starts, closes, the reaper
	kick   chan struct{}  // wakes the reaper

	closing  sync.Once
	closeErr error // valid after closing

	mu       sync.Mutex
	groups   map[groupKey]*group
	tallies  map[hearth.Name]*tally
	accounts map[accountKey]*account
	active   int      // invocations in progress or waiting
	memory   int      // MB charged to members and to starts in flight
	starting int      // start slots in use
	needy    []*group // with waiters that have no start yet, in turn
	nextReap time.Time
	expiry   clock.Timer // nil before the first use
	expires  time.Time   // when expiry is due; zero: it is not armed
	births   int
	keeping  int           // starts in flight of what is kept
	settled  chan struct{} // closed when there are none; nil: nobody waits
	closed   bool
}

// groupKey tells environments apart that may not stand in for each other.
type groupKey struct {
	name                hearth.Name
	version, generation string
	tenant              string
}

// group is the environments of one key. Guarded by Pool.mu.
type group struct {
	key     groupKey
	fn      *hearth.Function
	tally   *tally // nil: on managed instances, which do not count
	slots   int    // invocations that each environment takes at a time
	members map[*member]struct{}
	// idle are those that can take another invocation: by idleSince, the latest
	// last.
	idle     []*member
	waiters  []*waiter // the longest waiting first; none while there are idle ones
	starting int
	keep     keep
	// expected counts members that are about to be free; patience is the timer
	// that stops counting on them.
	expected int
	patience *time.Timer
	retired  bool
	needy    bool // in Pool.needy
}

// member is one environment in the pool.
type member struct {
	env           Environment
	group         *group
	charged       int  // MB of Pool.memory
	uses          int  // invocations that it has; up to group.slots
	provisioned   bool // one of those that are kept, see Provision
	expected      bool // about to be free: its caller has the answer, or it is being frozen
	used          bool // has served an invocation
	expectedSince time.Time
	idleSince     time.Time // by the machine's clock
	unusedSince   time.Time // by Options.Clock
	freezing      bool      // not among the idle ones for that long
	frozen        bool

	// How it ends for its age, by Options.Clock. Zero: it does not.
	replace time.Time // a successor is started, if it is missed
	end     time.Time // it takes no further event
	aging   bool      // a successor is to be started
	leaving bool      // it has one, and takes no further event
	heir    *member   // successor that waits for it to be free
	waiting bool      // is such a successor
}

// waiter is an invocation that waits for an environment.
type waiter struct {
	inv   *hearth.Invocation
	grant chan grant // capacity 1
}

// grant is an environment for a waiter: one that has been given the event
// already, or one that is the waiter's to give it to.
type grant struct {
	member *member
	use    *use // set with wait: the event is on its way
	wait   func() (hearth.Result, error)
	err    error
}

// New starts a pool without environments.
func New(opts Options) *Pool {
	opts.setDefaults()
	p := &Pool{
		opts: opts, kick: make(chan struct{}, 1), groups: map[groupKey]*group{},
		tallies: map[hearth.Name]*tally{}, accounts: map[accountKey]*account{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background()) //nolint:forbidigo // the pool's own life, ended by Close
	p.wg.Go(p.reap)
	return p
}

// chargeLocked sets what an environment counts as in memory.
func (p *Pool) chargeLocked(m *member, mb int) {
	p.memory += mb - m.charged
	m.charged = mb
}

// discardLocked forgets an environment and closes it. Those that Close has
// taken over are its business.
func (p *Pool) discardLocked(m *member) {
	if _, ours := m.group.members[m]; !ours {
		return
	}
	delete(m.group.members, m)
	p.setProvisionedLocked(m, false)
	m.unageLocked()
	p.chargeLocked(m, 0)
	p.forgetLocked(m.group)
	p.wg.Go(func() {
		if err := m.env.Close(); err != nil {
			p.opts.Logger.Error("close environment", "function", m.group.key.name.String(), "error", err)
		}
	})
}

// groupLocked finds or makes the group of a function and tenant.
func (p *Pool) groupLocked(fn *hearth.Function, tenant string) *group {
	key := groupKey{name: fn.Name, version: fn.Version, generation: fn.Generation, tenant: tenant}
	g := p.groups[key]
	if g == nil {
		g = &group{key: key, fn: fn, slots: fn.MaxConcurrency(), members: map[*member]struct{}{}, retired: !p.opts.Current(fn)}
		if fn.Managed == nil {
			g.tally = p.tallyLocked(fn.Name)
			g.tally.holders++
		}
		p.groups[key] = g
	}
	return g
}

// forgetLocked drops a group that holds nothing.
func (p *Pool) forgetLocked(g *group) {
	if len(g.members) == 0 && len(g.waiters) == 0 && g.starting == 0 && g.keep.isZero() && p.groups[g.key] == g {
		delete(p.groups, g.key)
		p.dropTallyLocked(g.tally)
	}
}

// Retire closes the environments of a function that are not current, the idle
// ones now and the others when they are free. current is asked with the
// version and generation of each group; it must not call the pool.
func (p *Pool) Retire(name hearth.Name, current func(version, generation string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, g := range p.groups {
		if key.name != name || current(key.version, key.generation) {
			continue
		}
		g.retired = true
		p.keepLocked(g, Kept{})
		idle := g.idle
		g.idle = nil
		for _, m := range idle {
			if m.uses == 0 {
				p.discardLocked(m)
			}
		}
		p.scheduleLocked(g)
		p.forgetLocked(g)
	}
	p.startMissingLocked() // in the room that it made
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
	defer p.mu.Unlock()
	s := Stats{Active: p.active, Memory: p.memory}
	for _, g := range p.groups {
		s.Environments += len(g.members)
		for _, m := range g.idle {
			if m.uses == 0 {
				s.Idle++
			}
		}
		s.Starting += g.starting
	}
	return s
}

// Settle waits until what is kept has started, as far as it can. It is for a
// clock that is advanced step by step.
func (p *Pool) Settle(ctx context.Context) error {
	p.mu.Lock()
	if p.keeping == 0 || p.closed {
		p.mu.Unlock()
		return nil
	}
	if p.settled == nil {
		p.settled = make(chan struct{})
	}
	settled := p.settled
	p.mu.Unlock()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for environments that are kept: %w", context.Cause(ctx))
	}
}

// settleLocked wakes those who wait for what is kept.
func (p *Pool) settleLocked() {
	if p.settled != nil && (p.keeping == 0 || p.closed) {
		close(p.settled)
		p.settled = nil
	}
}

// Close ends the pool: those who wait are refused, and every environment is
// closed, which fails the invocations in progress. It returns when no
// environment is left.
func (p *Pool) Close() error {
	p.closing.Do(func() {
		all := p.takeAll()
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
	defer p.mu.Unlock()
	p.closed = true
	if p.expiry != nil {
		p.expiry.Stop()
	}
	p.settleLocked()
	for _, g := range p.groups {
		for len(g.waiters) > 0 {
			p.leaveLocked(g)
			g.popWaiter().grant <- grant{err: errClosed}
		}
		if g.patience != nil {
			g.patience.Stop()
		}
		p.keepLocked(g, Kept{})
		for m := range g.members {
			m.unageLocked()
			p.chargeLocked(m, 0)
			all = append(all, m)
		}
		clear(g.members)
		g.idle = nil
		p.forgetLocked(g)
	}
	p.needy = nil
	return all
}
