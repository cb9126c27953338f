package pool

import (
	"time"

	"github.com/hearthd/hearth/invoke/environment"
)

// Ages are spread, so that environments that came together do not go together,
// and those that are missed are replaced while they still work.
const (
	ageSteps  = 16 // different ages, each a hundred-and-sixtieth of MaxAge below the one before
	ageSpread = 10 * ageSteps
	ahead     = 8 // the last eighth is for a successor to start
)

// bornLocked sets how long an environment may live.
func (p *Pool) bornLocked(m *member) {
	if p.opts.MaxAge <= 0 {
		return
	}
	m.end = p.opts.Clock.Now().Add(p.opts.MaxAge - p.opts.MaxAge*time.Duration(p.births%ageSteps)/ageSpread)
	m.replace = m.end.Add(-p.opts.MaxAge / ahead)
	p.births++
}

// old reports whether an environment takes no further event for its age.
func (p *Pool) old(m *member) bool { return !m.end.IsZero() && !p.opts.Clock.Now().Before(m.end) }

// resting reports whether an environment is one of the idle ones and has
// nothing to do.
func (m *member) resting() bool { return m.uses == 0 && !m.expected && !m.freezing && !m.waiting }

// missed reports whether an environment is to be replaced before it goes: it is
// kept, or always at work.
func (m *member) missed() bool {
	if m.replace.IsZero() || m.aging || m.heir != nil || m.leaving || m.waiting || m.group.retired {
		return false
	}
	return m.provisioned || m.group.slots > 1 && m.uses > 0
}

// due returns when there is something to do with an environment for the time it
// was unused, or lives; zero: not before something else happens to it.
func (p *Pool) due(m *member) (at time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if m.resting() && !m.provisioned {
		sooner(m.unusedSince.Add(p.opts.IdleTimeout))
	}
	if m.resting() || m.group.slots > 1 && !m.leaving {
		sooner(m.end)
	}
	if m.missed() {
		sooner(m.replace)
	}
	return at
}

// expireByLocked has the clock call expire at a time, or earlier.
func (p *Pool) expireByLocked(at time.Time) {
	if at.IsZero() || p.closed || !p.expires.IsZero() && !at.Before(p.expires) {
		return
	}
	p.expires = at
	d := at.Sub(p.opts.Clock.Now())
	if p.expiry == nil {
		p.expiry = p.opts.Clock.AfterFunc(d, "close idle and old environments", p.expire)
	} else {
		p.expiry.Reset(d)
	}
}

// expire closes what has been unused for too long, is too old or has died, and
// has successors started.
func (p *Pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expires = time.Time{}
	if p.closed {
		return
	}
	now := p.opts.Clock.Now()
	var next time.Time
	for _, g := range p.groups {
		for m := range g.members {
			if at := p.expireLocked(m, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		p.scheduleLocked(g)
	}
	p.expireByLocked(next)
	p.startMissingLocked() // in the room that it made
}

// expireLocked does what is due, and returns when there is more to do.
func (p *Pool) expireLocked(m *member, now time.Time) (next time.Time) {
	g := m.group
	unused := !m.provisioned && now.Sub(m.unusedSince) >= p.opts.IdleTimeout
	switch {
	case m.resting() && (unused || p.old(m) || m.env.State() == environment.Dead):
		g.takeIdle(m)
		p.discardLocked(m)
		return time.Time{}
	case g.slots > 1 && p.old(m):
		g.takeIdle(m)
		m.leaving = true
	case m.missed() && !now.Before(m.replace):
		m.aging = true
		g.keep.aging++
	}
	return p.due(m)
}

// unageLocked stops looking for a successor of an environment.
func (m *member) unageLocked() {
	if m.aging {
		m.aging = false
		m.group.keep.aging--
	}
}

// succeedLocked puts an environment that was started for it in the place of the
// one that is the oldest.
func (p *Pool) succeedLocked(m *member) {
	g := m.group
	var old *member
	for other := range g.members {
		if other.aging && (old == nil || other.end.Before(old.end)) {
			old = other
		}
	}
	old.unageLocked()
	switch {
	case g.slots == 1 && !old.resting():
		// It waits until the other is free: both at once would be one more than
		// the function may have.
		old.heir, m.waiting = m, true
		return
	case old.provisioned:
		p.setProvisionedLocked(old, false)
		p.setProvisionedLocked(m, true)
	}
	g.takeIdle(old)
	if old.leaving = true; old.uses == 0 {
		p.discardLocked(old)
	}
}

// inheritLocked closes an environment and lets its successor take over.
func (p *Pool) inheritLocked(m *member) {
	g, heir, wanted := m.group, m.heir, m.provisioned
	m.heir, heir.waiting = nil, false
	g.takeIdle(m)
	p.discardLocked(m)
	if !wanted || g.retired || p.closed || heir.env.State() != environment.Idle {
		p.discardLocked(heir)
		return
	}
	p.setProvisionedLocked(heir, true)
	p.offerLocked(heir)
}

// offerLocked gives an environment that has nothing to do to whoever waits.
func (p *Pool) offerLocked(m *member) {
	g := m.group
	state, used := m.env.State(), m.env.MemoryUsed()
	for next := p.returnLocked(m, state, used); next != nil; {
		next.grant <- grant{member: m}
		if next = nil; len(g.waiters) > 0 && m.uses < g.slots && !p.closed {
			next = p.serveLocked(m)
		}
	}
}
