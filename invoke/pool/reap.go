package pool

import (
	"time"

	"github.com/hearthd/hearth/invoke/environment"
)

// reap freezes idle environments when they are due. It sleeps
// until the next one is: an idle daemon does nothing.
func (p *Pool) reap() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, m := range p.takeDue(time.Now()) {
			p.freeze(m)
		}
		next, ok := p.nextDue()
		timer.Stop()
		if ok {
			timer.Reset(time.Until(next))
		}
		select {
		case <-timer.C:
		case <-p.kick:
		case <-p.ctx.Done():
			return
		}
	}
}

// reapByLocked wakes the reaper when it would otherwise sleep past t.
func (p *Pool) reapByLocked(t time.Time) {
	if p.nextReap.IsZero() || t.Before(p.nextReap) {
		p.nextReap = t
		select {
		case p.kick <- struct{}{}:
		default:
		}
	}
}

// nextDue returns when to look again; false when nothing is to be frozen.
func (p *Pool) nextDue() (next time.Time, ok bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.unlock()
	for _, g := range p.groups {
		for _, m := range g.idle {
			due := m.idleSince.Add(p.opts.FreezeAfter)
			if m.provisioned && (m.phase == phaseFrozen || g.onManagedInstances() || due.Before(now)) {
				due = now.Add(watchProvisioned)
			} else if m.phase != phaseIdle || g.onManagedInstances() {
				continue
			}
			if !ok || due.Before(next) {
				next, ok = due, true
			}
		}
	}
	p.nextReap = next
	return next, ok
}

// takeDue closes what has died, and returns what is to be frozen.
func (p *Pool) takeDue(now time.Time) (freeze []*member) {
	p.mu.Lock()
	defer p.unlock()
	for _, g := range p.groups {
		for i := len(g.idle) - 1; i >= 0; i-- { // from the end, for discarding takes one out
			m := g.idle[i]
			switch state := m.env.State(); {
			case state == environment.Dead, state == environment.Broken && m.provisioned && m.phase.atRest():
				p.discardLocked(m)
			case m.phase == phaseIdle && !g.onManagedInstances() && now.Sub(m.idleSince) >= p.opts.FreezeAfter:
				freeze = append(freeze, m)
			}
		}
		p.scheduleLocked(g)
	}
	p.startMissingLocked() // in the room that it made
	return freeze
}

// freeze freezes an environment, if it is still idle. It is none of the idle
// ones for as long as that takes; an invocation that comes meanwhile may count
// on it.
func (p *Pool) freeze(m *member) {
	if !p.beginFreeze(m) {
		return
	}
	if err := m.env.Freeze(); err != nil {
		p.opts.Logger.Warn("freeze idle environment", "function", m.group.key.name.String(), "error", err)
	}
	p.endFreeze(m, p.read(m.env))
}

func (p *Pool) beginFreeze(m *member) bool {
	p.mu.Lock()
	defer p.unlock()
	if m.phase != phaseIdle {
		return false
	}
	p.moveLocked(m, phaseFreezing)
	return true
}

func (p *Pool) endFreeze(m *member, r reading) {
	p.mu.Lock()
	defer p.unlock()
	g := m.group
	switch {
	case m.phase == phaseClosed: // the pool is
	case p.closed || r.state == environment.Dead || len(g.waiters) > 0 || g.standing == standingRetired || m.successor != nil:
		p.moveLocked(m, phaseFree)
		p.offerLocked(m, r)
	default:
		p.moveLocked(m, phaseFrozen) // idle since when it was
		p.expireByLocked(m.nextEvent())
		p.scheduleLocked(g)
	}
}
