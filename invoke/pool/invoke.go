package pool

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// waiter is an invocation that waits for an environment.
type waiter struct {
	group *group
	inv   *hearth.Invocation
	grant chan grant // capacity 1
}

// grant is an environment for an invocation: one that has been given the event
// already, or one that is the invocation's to give it to.
type grant struct {
	member *member
	hold   *hold // set with wait: the event is on its way
	wait   func() (hearth.Result, error)
	err    error
}

// hold is the time that an environment belongs to one invocation.
type hold struct {
	member   *member
	released atomic.Bool // set with Pool.mu held: the member may be another's from then on
}

// Invoke gives the event to an environment of fn. ctx bounds the wait for an
// environment, not the invocation: an event that a function has begun is never
// taken back. Errors: *hearth.Throttle beyond MaxConcurrency or QueueTimeout,
// hearth.ErrUnavailable while closing, those of Environment.Begin, and what
// kept an environment from being started.
func (p *Pool) Invoke(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (hearth.Result, error) {
	got, err := p.acquire(ctx, fn, inv)
	if err != nil {
		return hearth.Result{}, err
	}
	if got.wait == nil {
		got = p.begin(got.member, inv)
	}
	res, err := got.wait()
	p.answered(got.hold)
	return res, err
}

// begin gives the event to an environment that was acquired for it.
func (p *Pool) begin(m *member, inv *hearth.Invocation) grant {
	h := &hold{member: m}
	return grant{member: m, hold: h, wait: m.env.Begin(inv, func() { p.release(h) })}
}

// acquire returns an environment that belongs to the caller until release.
func (p *Pool) acquire(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (grant, error) {
	m, w, err := p.admit(fn, inv)
	if w == nil {
		return grant{member: m}, err
	}
	return p.await(ctx, w)
}

// admit gives an invocation an environment that is idle, a place in line, or the
// reason why it gets neither.
func (p *Pool) admit(fn *hearth.Function, inv *hearth.Invocation) (*member, *waiter, error) {
	p.mu.Lock()
	defer p.unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	g := p.groupLocked(fn, inv.TenantID)
	g.pins++
	defer p.unpinLocked(g)
	if p.verifyLocked(g); p.closed {
		return nil, nil, errClosed
	}
	throttle := p.throttleLocked(g)
	if m := p.chooseLocked(g, throttle != nil); m != nil {
		p.active++
		p.takeLocked(m)
		if g.lacking() > 0 {
			p.scheduleLocked(g) // a provisioned one was found dead
		}
		return m, nil, nil
	}
	if throttle != nil {
		p.scheduleLocked(g)
		return nil, nil, throttle
	}
	w := &waiter{group: g, inv: inv, grant: make(chan grant, 1)}
	g.waiters = append(g.waiters, w)
	p.joinLocked(g)
	p.scheduleLocked(g)
	return nil, w, nil
}

// throttleLocked says why an invocation that finds no provisioned environment
// idle may neither run nor wait; nil when it may.
func (p *Pool) throttleLocked(g *group) *hearth.Throttle {
	if !g.onManagedInstances() {
		return p.ledger.admit(g.books, g.totals.provisionedExpected)
	}
	if len(g.waiters) < p.opts.MaxConcurrency {
		return nil
	}
	return &hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: retryAfter}
}

// await waits for a grant and gives up the place in line when ctx ends first.
func (p *Pool) await(ctx context.Context, w *waiter) (grant, error) {
	timeout := time.NewTimer(p.opts.QueueTimeout)
	defer timeout.Stop()
	var err error
	select {
	case got := <-w.grant:
		return got, got.err
	case <-ctx.Done():
		err = fmt.Errorf("wait for an environment: %w", context.Cause(ctx))
	case <-timeout.C:
		err = &hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: retryAfter}
	}
	if p.giveUp(w) {
		return grant{}, err
	}
	got := <-w.grant // it is on its way
	return got, got.err
}

// giveUp takes a waiter out of the line; false when it has been granted something
// meanwhile.
func (p *Pool) giveUp(w *waiter) bool {
	p.mu.Lock()
	defer p.unlock()
	if !w.group.dropWaiter(w) {
		return false
	}
	p.leaveLocked(w.group)
	p.scheduleLocked(w.group)
	p.forgetLocked(w.group)
	return true
}

// joinLocked counts an invocation that waits, leaveLocked one that does not any
// more and was given no environment.
func (p *Pool) joinLocked(g *group) {
	p.active++
	g.books.addLoad(1)
}

func (p *Pool) leaveLocked(g *group) {
	p.active--
	g.books.addLoad(-1)
}

// answered notes that the caller of an invocation has the answer. The environment
// is usually free already, or will be in a moment.
func (p *Pool) answered(h *hold) {
	if h.released.Load() {
		return // without the lock
	}
	p.mu.Lock()
	defer p.unlock()
	if h.released.Load() {
		return
	}
	m := h.member
	if m.phase == phaseBusy && !m.group.onManagedInstances() {
		p.moveLocked(m, phaseAnswered)
	}
	if g := m.group; len(g.waiters) > 0 {
		p.scheduleLocked(g)
	}
}

// release takes an environment back after an invocation.
func (p *Pool) release(h *hold) {
	m := h.member
	r := p.read(m.env)
	if next := p.end(h, r); next != nil {
		// Usually this is the goroutine of the runtime's poll. It takes the
		// event along at once; the one who waits has only to wake up for the
		// answer.
		next.grant <- p.begin(m, next.inv)
	}
}

// end ends a hold, and returns who has the environment next; nil: nobody.
func (p *Pool) end(h *hold, r reading) *waiter {
	p.mu.Lock()
	defer p.unlock()
	h.released.Store(true)
	p.active--
	p.endLocked(h.member)
	return p.returnLocked(h.member, r)
}

// returnLocked gives an environment to the next in line, makes it idle, or
// closes it when it is of no more use. The next in line is returned, to be
// granted the environment by the caller, without the lock.
func (p *Pool) returnLocked(m *member, r reading) (next *waiter) {
	g := m.group
	free := m.invocations == 0
	switch {
	case m.phase == phaseClosed: // when another of its invocations ended
	case free && m.successor != nil:
		p.inheritLocked(m, r)
	case p.closed, r.state == environment.Dead:
		p.discardLocked(m)
	case m.phase == phaseDraining || free && m.age.due(r.now, eventEnd):
		if free {
			p.discardLocked(m)
		}
	case len(g.waiters) > 0:
		next = p.serveLocked(m)
	case !free: // there for further ones
	case g.standing == standingRetired, m.provisioned && r.state == environment.Broken: // replaced by one that is ready
		p.discardLocked(m)
	default:
		p.restLocked(m, r)
	}
	p.scheduleLocked(g)
	return next
}

// offerLocked gives an environment that has nothing to do to whoever waits.
func (p *Pool) offerLocked(m *member, r reading) {
	g := m.group
	for next := p.returnLocked(m, r); next != nil; {
		p.grantAfterwards(next, grant{member: m})
		if next = nil; len(g.waiters) > 0 && m.invocations < g.concurrency && !p.closed {
			next = p.serveLocked(m)
		}
	}
}

// serveLocked gives an environment to the next in line.
func (p *Pool) serveLocked(m *member) *waiter {
	next := m.group.popWaiter()
	m.group.books.addLoad(-1) // it counts as the environment does from now on
	p.takeLocked(m)
	return next
}

// restLocked makes an environment idle.
func (p *Pool) restLocked(m *member, r reading) {
	m.measured = min(r.memory, m.group.fn.MemorySize)
	m.idleSince = r.at
	p.ages.rest(&m.age, r.now)
	if !m.provisioned && m.succession == successionWanted {
		p.setSuccessionLocked(m, successionNone) // nobody would miss it now
	}
	p.moveLocked(m, phaseIdle)
	p.reapByLocked(m.idleSince.Add(p.opts.FreezeAfter))
	p.expireByLocked(m.nextEvent())
}
