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
	"github.com/hearthd/hearth/invoke/environment"
)

// Environment is what the pool needs of an execution environment; see package
// environment for the contract.
type Environment interface {
	Init() bool
	Invoke(inv *hearth.Invocation, free func()) (hearth.Result, error)
	State() environment.State
	// MemoryUsed is the peak so far in MB; 0 when unknown.
	MemoryUsed() int
	Freeze() error
	Close() error
}

// Open builds the environment of a function, without its init phase. ctx ends
// with the pool.
type Open func(ctx context.Context, fn *hearth.Function) (Environment, error)

// Options of a Pool. Zero values get the defaults named here.
type Options struct {
	Open Open // required
	// MaxConcurrency bounds the invocations in progress or waiting; beyond it
	// callers are throttled. Default 1000, AWS's account limit.
	MaxConcurrency int
	// MaxMemory bounds what the environments take, in MB: their memory size
	// while they work, their measured peak while they are idle. An invocation
	// that needs a new one beyond that waits for room. Default: no bound.
	MaxMemory int
	// MaxStarting bounds the starts in flight. Default: 4 for each core, at least 8.
	MaxStarting int
	// QueueTimeout is how long an invocation waits for an environment that
	// cannot be started for lack of room. Default 30 s.
	QueueTimeout time.Duration
	// IdleTimeout is how long an environment is kept unused. Default 10 min.
	IdleTimeout time.Duration
	// FreezeAfter is how long an idle environment stays unfrozen. Default 500 ms.
	FreezeAfter time.Duration
	Logger      *slog.Logger
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
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// startSlot is how long a start counts against MaxStarting.
const startSlot = 2 * time.Second

// errClosed is what invocations get once the pool is closing.
var errClosed = fmt.Errorf("%w: shutting down", hearth.ErrUnavailable)

// Pool keeps environments. Create it with New and Close it.
type Pool struct {
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // starts, closes, the reaper
	kick   chan struct{}  // wakes the reaper

	mu       sync.Mutex
	groups   map[groupKey]*group
	active   int      // invocations in progress or waiting
	memory   int      // MB charged to members and to starts in flight
	starting int      // start slots in use
	needy    []*group // with waiters that have no start yet, in turn
	nextReap time.Time
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
	key      groupKey
	fn       *hearth.Function
	members  map[*member]struct{}
	idle     []*member // by idleSince, the latest last
	waiters  []*waiter // the longest waiting first
	starting int
	// finishing counts members that are about to be free; patience is the
	// timer that stops counting on them.
	finishing int
	patience  *time.Timer
	retired   bool
	needy     bool // in Pool.needy
}

// member is one environment in the pool.
type member struct {
	env       Environment
	group     *group
	charged   int // MB of Pool.memory
	busy      bool
	finishing bool // busy, but its caller has the answer
	used      bool // has served an invocation
	idleSince time.Time
	frozen    bool
}

// waiter is an invocation that waits for an environment.
type waiter struct {
	grant chan grant // capacity 1
}

type grant struct {
	member *member
	err    error
}

// New starts a pool without environments.
func New(opts Options) *Pool {
	opts.setDefaults()
	p := &Pool{opts: opts, kick: make(chan struct{}, 1), groups: map[groupKey]*group{}}
	p.ctx, p.cancel = context.WithCancel(context.Background()) //nolint:forbidigo // the pool's own life, ended by Close
	p.wg.Go(p.reap)
	return p
}

// Invoke gives the event to an environment of fn. ctx bounds the wait for an
// environment, not the invocation: an event that a function has begun is never
// taken back. Errors: *hearth.Throttle beyond MaxConcurrency or QueueTimeout,
// hearth.ErrUnavailable while closing, those of Environment.Invoke, and what
// kept an environment from being started.
func (p *Pool) Invoke(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (hearth.Result, error) {
	m, err := p.acquire(ctx, fn, inv.TenantID)
	if err != nil {
		return hearth.Result{}, err
	}
	res, err := m.env.Invoke(inv, func() { p.release(m) })
	p.answered(m)
	return res, err
}

// answered notes that a member's caller has its answer, if the member is not
// free already.
func (p *Pool) answered(m *member) {
	p.mu.Lock()
	if m.busy && !m.finishing {
		m.finishing = true
		m.group.finishing++
	}
	p.mu.Unlock()
}

// acquire returns an environment that belongs to the caller until release.
func (p *Pool) acquire(ctx context.Context, fn *hearth.Function, tenant string) (*member, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if p.active >= p.opts.MaxConcurrency {
		p.mu.Unlock()
		return nil, &hearth.Throttle{Reason: hearth.ThrottleConcurrency}
	}
	p.active++
	g := p.groupLocked(fn, tenant)
	if m := g.popIdle(); m != nil {
		p.chargeLocked(m, fn.MemorySize)
		m.busy = true
		p.mu.Unlock()
		return m, nil
	}
	w := &waiter{grant: make(chan grant, 1)}
	g.waiters = append(g.waiters, w)
	p.scheduleLocked(g)
	p.mu.Unlock()
	return p.await(ctx, g, w)
}

// await waits for a grant and gives up the place in line when ctx ends first.
func (p *Pool) await(ctx context.Context, g *group, w *waiter) (*member, error) {
	timeout := time.NewTimer(p.opts.QueueTimeout)
	defer timeout.Stop()
	var err error
	select {
	case got := <-w.grant:
		return got.member, got.err
	case <-ctx.Done():
		err = fmt.Errorf("wait for an environment: %w", context.Cause(ctx))
	case <-timeout.C:
		err = &hearth.Throttle{Reason: hearth.ThrottleConcurrency}
	}
	p.mu.Lock()
	if !g.dropWaiter(w) { // granted meanwhile
		p.mu.Unlock()
		got := <-w.grant
		return got.member, got.err
	}
	p.active--
	p.forgetLocked(g)
	p.mu.Unlock()
	return nil, err
}

// release takes an environment back after an invocation.
func (p *Pool) release(m *member) {
	state, used := m.env.State(), m.env.MemoryUsed()
	p.mu.Lock()
	p.active--
	p.returnLocked(m, state, used)
	p.mu.Unlock()
}

// returnLocked gives an environment to the next in line, makes it idle, or
// closes it when it is of no more use.
func (p *Pool) returnLocked(m *member, state environment.State, used int) {
	g := m.group
	if m.finishing {
		m.finishing = false
		g.finishing--
	}
	m.used, m.busy = m.used || m.busy, false
	switch {
	case p.closed, state == environment.Dead:
		p.discardLocked(m)
	case len(g.waiters) > 0:
		m.busy = true
		g.popWaiter().grant <- grant{member: m}
	case g.retired:
		p.discardLocked(m)
	default:
		m.idleSince, m.frozen = time.Now(), false
		if used > 0 {
			p.chargeLocked(m, min(used, m.group.fn.MemorySize))
		}
		g.pushIdle(m)
		p.reapByLocked(m.idleSince.Add(p.opts.FreezeAfter))
	}
	p.scheduleLocked(g)
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
		g = &group{key: key, fn: fn, members: map[*member]struct{}{}}
		p.groups[key] = g
	}
	return g
}

// forgetLocked drops a group that holds nothing.
func (p *Pool) forgetLocked(g *group) {
	if len(g.members) == 0 && len(g.waiters) == 0 && g.starting == 0 && p.groups[g.key] == g {
		delete(p.groups, g.key)
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
		idle := g.idle
		g.idle = nil
		for _, m := range idle {
			p.discardLocked(m)
		}
	}
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
		s.Idle += len(g.idle)
		s.Starting += g.starting
	}
	return s
}

// Close ends the pool: those who wait are refused, and every environment is
// closed, which fails the invocations in progress. It returns when no
// environment is left.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.wg.Wait()
		return nil
	}
	p.closed = true
	var all []*member
	for _, g := range p.groups {
		for len(g.waiters) > 0 {
			p.active--
			g.popWaiter().grant <- grant{err: errClosed}
		}
		for m := range g.members {
			all = append(all, m)
		}
		clear(g.members)
		g.idle = nil
	}
	p.mu.Unlock()
	p.cancel()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, m := range all {
		wg.Go(func() { errs[i] = m.env.Close() })
	}
	wg.Wait()
	p.wg.Wait()
	return errors.Join(errs...)
}
