package pool

import (
	"slices"
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
	defer p.mu.Unlock()
	for _, g := range p.groups {
		for _, m := range g.idle {
			due := m.idleSince.Add(p.opts.FreezeAfter)
			if m.provisioned && (m.frozen || g.tally == nil || due.Before(now)) {
				due = now.Add(watchKept)
			} else if m.frozen || m.uses > 0 || g.tally == nil {
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
	defer p.mu.Unlock()
	for _, g := range p.groups {
		g.idle = slices.DeleteFunc(g.idle, func(m *member) bool {
			state := m.env.State()
			if state == environment.Dead || state == environment.Broken && m.provisioned && m.uses == 0 {
				p.discardLocked(m)
				return true
			}
			// Those on managed instances work on between invocations.
			if !m.frozen && m.uses == 0 && g.tally != nil && now.Sub(m.idleSince) >= p.opts.FreezeAfter {
				freeze = append(freeze, m)
			}
			return false
		})
		p.scheduleLocked(g)
	}
	p.startMissingLocked() // in the room that it made
	return freeze
}

// freeze freezes an environment, if it is still idle. It is taken out of the
// idle ones for as long as that takes; an invocation that comes meanwhile may
// count on it.
func (p *Pool) freeze(m *member) {
	p.mu.Lock()
	g := m.group
	if !g.takeIdle(m) {
		p.mu.Unlock()
		return
	}
	m.freezing = true
	p.expectLocked(m, true)
	p.mu.Unlock()

	if err := m.env.Freeze(); err != nil {
		p.opts.Logger.Warn("freeze idle environment", "function", g.key.name.String(), "error", err)
	}
	state, used := m.env.State(), m.env.MemoryUsed()

	p.mu.Lock()
	defer p.mu.Unlock()
	m.freezing = false
	p.expectLocked(m, false)
	if p.closed || state == environment.Dead || len(g.waiters) > 0 || g.retired || m.heir != nil {
		if next := p.returnLocked(m, state, used); next != nil {
			next.grant <- grant{member: m}
		}
		return
	}
	m.frozen = true
	g.pushIdle(m) // idle since when it was
	p.expireByLocked(p.due(m))
	p.scheduleLocked(g)
}
