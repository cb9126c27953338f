package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// use is the time that an environment belongs to one invocation.
type use struct {
	member   *member
	released bool // guarded by Pool.mu: the member may be another's already
}

// Invoke gives the event to an environment of fn. ctx bounds the wait for an
// environment, not the invocation: an event that a function has begun is never
// taken back. Errors: *hearth.Throttle beyond MaxConcurrency or QueueTimeout,
// hearth.ErrUnavailable while closing, those of Environment.Invoke, and what
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
	p.answered(got.use)
	return res, err
}

// begin gives the event to an environment that was acquired for it.
func (p *Pool) begin(m *member, inv *hearth.Invocation) grant {
	u := &use{member: m}
	return grant{member: m, use: u, wait: m.env.Begin(inv, func() { p.release(u) })}
}

// acquire returns an environment that belongs to the caller until release.
func (p *Pool) acquire(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (grant, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return grant{}, errClosed
	}
	g := p.groupLocked(fn, inv.TenantID)
	throttle := p.throttleLocked(g)
	if m := p.popIdleLocked(g, throttle != nil); m != nil {
		p.active++
		p.useLocked(m)
		p.chargeLocked(m, fn.MemorySize)
		if g.unkept() > 0 {
			p.scheduleLocked(g) // one that is kept was found dead
		}
		p.mu.Unlock()
		return grant{member: m}, nil
	}
	if throttle != nil {
		p.scheduleLocked(g)
		p.forgetLocked(g)
		p.mu.Unlock()
		return grant{}, throttle
	}
	g = p.groupLocked(fn, inv.TenantID) // it is forgotten when all that it had was dead
	w := &waiter{inv: inv, grant: make(chan grant, 1)}
	g.waiters = append(g.waiters, w)
	p.joinLocked(g)
	p.scheduleLocked(g)
	p.mu.Unlock()
	return p.await(ctx, g, w)
}

// await waits for a grant and gives up the place in line when ctx ends first.
func (p *Pool) await(ctx context.Context, g *group, w *waiter) (grant, error) {
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
	p.mu.Lock()
	if !g.dropWaiter(w) { // granted meanwhile
		p.mu.Unlock()
		got := <-w.grant
		return got, got.err
	}
	p.leaveLocked(g)
	p.scheduleLocked(g)
	p.forgetLocked(g)
	p.mu.Unlock()
	return grant{}, err
}

// answered notes that the caller of a use has its answer. The environment is
// usually free already, or will be in a moment.
func (p *Pool) answered(u *use) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.released {
		return
	}
	p.expectLocked(u.member, true)
	if g := u.member.group; len(g.waiters) > 0 {
		p.scheduleLocked(g)
	}
}

// release takes an environment back after an invocation.
func (p *Pool) release(u *use) {
	m := u.member
	state, used := m.env.State(), m.env.MemoryUsed()
	p.mu.Lock()
	u.released = true
	p.expectLocked(m, false)
	before := m.load()
	m.uses--
	m.group.tally.add(m.load() - before)
	p.active--
	m.used = true
	next := p.returnLocked(m, state, used)
	p.mu.Unlock()
	if next != nil {
		// Usually this is the goroutine of the runtime's poll. It takes the
		// event along at once; the one who waits has only to wake up for the
		// answer.
		next.grant <- p.begin(m, next.inv)
	}
}

// returnLocked gives an environment to the next in line, makes it idle, or
// closes it when it is of no more use. The next in line is returned, to be
// granted the environment by the caller, without the lock.
func (p *Pool) returnLocked(m *member, state environment.State, used int) (next *waiter) {
	g := m.group
	_, ours := g.members[m]
	switch {
	case !ours: // discarded when another of its invocations ended
	case m.heir != nil && m.uses == 0:
		p.inheritLocked(m)
	case p.closed, state == environment.Dead:
		g.takeIdle(m)
		p.discardLocked(m)
	case m.leaving || m.uses == 0 && p.old(m):
		if m.uses == 0 {
			g.takeIdle(m)
			p.discardLocked(m)
		}
	case len(g.waiters) > 0:
		next = p.serveLocked(m)
	case m.uses > 0:
		if !g.retired && m.uses == g.slots-1 {
			g.pushIdle(m)
		}
	case g.retired, m.provisioned && state == environment.Broken: // replaced by one that is ready
		g.takeIdle(m)
		p.discardLocked(m)
	default:
		p.restLocked(m, used)
	}
	p.scheduleLocked(g)
	return next
}

// serveLocked gives an environment to the next in line.
func (p *Pool) serveLocked(m *member) *waiter {
	next := m.group.popWaiter()
	m.group.tally.add(-1) // it counts as the environment does from now on
	p.useLocked(m)
	p.chargeLocked(m, m.group.fn.MemorySize)
	m.frozen = false
	return next
}

// restLocked makes an environment idle.
func (p *Pool) restLocked(m *member, used int) {
	m.idleSince, m.unusedSince, m.frozen = time.Now(), p.opts.Clock.Now(), false
	if used > 0 {
		p.chargeLocked(m, min(used, m.group.fn.MemorySize))
	}
	if !m.provisioned {
		m.unageLocked() // nobody would miss it now
	}
	m.group.takeIdle(m) // of several uses: it gets another place
	m.group.pushIdle(m)
	p.reapByLocked(m.idleSince.Add(p.opts.FreezeAfter))
	p.expireByLocked(p.due(m))
}
