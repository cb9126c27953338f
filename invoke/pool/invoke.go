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
	m, err := p.acquire(ctx, fn, inv.TenantID)
	if err != nil {
		return hearth.Result{}, err
	}
	u := &use{member: m}
	res, err := m.env.Invoke(inv, func() { p.release(u) })
	p.answered(u)
	return res, err
}

// acquire returns an environment that belongs to the caller until release.
func (p *Pool) acquire(ctx context.Context, fn *hearth.Function, tenant string) (*member, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if p.active-p.finishing >= p.opts.MaxConcurrency {
		p.mu.Unlock()
		return nil, &hearth.Throttle{Reason: hearth.ThrottleConcurrency}
	}
	p.active++
	g := p.groupLocked(fn, tenant)
	if m := p.popIdleLocked(g); m != nil {
		p.chargeLocked(m, fn.MemorySize)
		m.busy = true
		p.mu.Unlock()
		return m, nil
	}
	g = p.groupLocked(fn, tenant) // it is forgotten when all that it had was dead
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
	p.scheduleLocked(g)
	p.forgetLocked(g)
	p.mu.Unlock()
	return nil, err
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
	defer p.mu.Unlock()
	u.released = true
	p.expectLocked(m, false)
	p.active--
	m.used = true
	p.returnLocked(m, state, used)
}

// returnLocked gives an environment to the next in line, makes it idle, or
// closes it when it is of no more use.
func (p *Pool) returnLocked(m *member, state environment.State, used int) {
	g := m.group
	m.busy = false
	switch {
	case p.closed, state == environment.Dead:
		p.discardLocked(m)
	case len(g.waiters) > 0:
		p.chargeLocked(m, g.fn.MemorySize)
		m.busy, m.frozen = true, false
		g.popWaiter().grant <- grant{member: m}
	case g.retired:
		p.discardLocked(m)
	default:
		m.idleSince, m.frozen = time.Now(), false
		if used > 0 {
			p.chargeLocked(m, min(used, g.fn.MemorySize))
		}
		g.pushIdle(m)
		p.reapByLocked(p.dueLocked(m))
	}
	p.scheduleLocked(g)
}

// expectLocked counts on a member to be free in a moment, or stops to.
func (p *Pool) expectLocked(m *member, soon bool) {
	if m.expected == soon {
		return
	}
	by := -1
	if soon {
		by, m.expectedSince = 1, time.Now()
	}
	m.expected = soon
	m.group.expected += by
	if m.busy {
		p.finishing += by
	}
}
