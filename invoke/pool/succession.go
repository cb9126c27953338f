package pool

import (
	"sync"
	"time"

	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/environment"
)

// alarm is the clock's call to expire. Its lock comes before the pool's.
type alarm struct {
	mu    sync.Mutex
	timer clock.Timer // nil before the first use
}

// missed reports whether an environment is to have a successor before it goes: it
// is provisioned, or always at work.
func (m *member) missed() bool {
	if m.succession != successionNone || m.group.standing == standingRetired {
		return false
	}
	switch m.phase {
	case phaseStandby, phaseDraining, phaseClosed:
		return false
	}
	return m.provisioned || m.group.concurrency > 1 && m.invocations > 0
}

// events are those of its age that concern an environment as it is.
func (m *member) events() (of event) {
	rests := m.phase.atRest()
	if rests && !m.provisioned {
		of |= eventUnused
	}
	if rests || m.group.concurrency > 1 && m.phase != phaseDraining {
		of |= eventEnd
	}
	if m.missed() {
		of |= eventSuccessor
	}
	return of
}

// nextEvent returns when there is something to do with an environment for its
// age; zero: not before something else happens to it.
func (m *member) nextEvent() time.Time { return m.age.next(m.events()) }

// expireByLocked has the clock call expire at a time, or earlier.
func (p *Pool) expireByLocked(at time.Time) {
	if at.IsZero() || p.closed || !p.expires.IsZero() && !at.Before(p.expires) {
		return
	}
	p.expires = at
	p.afterwards().rearm = true
}

// rearm has the clock call expire at Pool.expires, and not at all once the pool is
// closed. Several goroutines may come here at once, and in any order: each sets
// what Pool.expires is by then.
func (p *Pool) rearm() {
	p.alarm.mu.Lock()
	defer p.alarm.mu.Unlock()
	p.mu.Lock()
	at, closed := p.expires, p.closed
	p.mu.Unlock()
	switch {
	case closed:
		if p.alarm.timer != nil {
			p.alarm.timer.Stop()
		}
	case at.IsZero(): // it was called just now, and comes here itself
	case p.alarm.timer == nil:
		p.alarm.timer = p.opts.Clock.AfterFunc(at.Sub(p.opts.Clock.Now()), "close idle and old environments", p.expire)
	default:
		p.alarm.timer.Reset(at.Sub(p.opts.Clock.Now()))
	}
}

// expire closes what has been unused for too long, is too old or has died, and
// has successors started.
func (p *Pool) expire() {
	now := p.opts.Clock.Now()
	p.mu.Lock()
	defer p.unlock()
	p.expires = time.Time{}
	if p.closed {
		return
	}
	var next time.Time
	for _, g := range p.groups {
		for m := range g.members {
			next = sooner(next, p.expireMemberLocked(m, now))
		}
		p.scheduleLocked(g)
	}
	p.expireByLocked(next)
	p.startMissingLocked() // in the room that it made
}

// expireMemberLocked does what is due, and returns when there is more to do.
func (p *Pool) expireMemberLocked(m *member, now time.Time) (next time.Time) {
	of := m.events()
	switch {
	case m.phase.atRest() && (m.age.due(now, of&(eventUnused|eventEnd)) || m.env.State() == environment.Dead):
		p.discardLocked(m)
		return time.Time{}
	case m.phase == phaseBusy && m.age.due(now, of&eventEnd):
		p.moveLocked(m, phaseDraining)
	case m.age.due(now, of&eventSuccessor):
		p.setSuccessionLocked(m, successionWanted)
	}
	return m.nextEvent()
}

// succeedLocked puts an environment that was started for it in the place of the
// one that is the oldest.
func (p *Pool) succeedLocked(m *member) {
	g := m.group
	var old *member
	for other := range g.members {
		if other.succession == successionWanted && (old == nil || other.age.end.Before(old.age.end)) {
			old = other
		}
	}
	if g.concurrency == 1 && !old.phase.atRest() {
		// It waits until the other is free: both at once would be one more than
		// the function may have.
		p.setSuccessionLocked(old, successionReady)
		old.successor = m
		p.moveLocked(m, phaseStandby)
		return
	}
	p.setSuccessionLocked(old, successionNone)
	if old.provisioned {
		p.setProvisionedLocked(old, false)
		p.setProvisionedLocked(m, true)
	}
	switch {
	case old.invocations == 0:
		p.discardLocked(old)
	case old.phase == phaseBusy:
		p.moveLocked(old, phaseDraining)
	}
}

// inheritLocked closes an environment and lets its successor take over.
func (p *Pool) inheritLocked(m *member, r reading) {
	g, next, wanted := m.group, m.successor, m.provisioned
	p.discardLocked(m)
	p.moveLocked(next, phaseFree)
	state := next.env.State()
	if !wanted || g.standing == standingRetired || p.closed || state != environment.Idle {
		p.discardLocked(next)
		return
	}
	p.setProvisionedLocked(next, true)
	r.state, r.memory = state, next.measured
	p.offerLocked(next, r)
}
