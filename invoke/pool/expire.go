package pool

import (
	"slices"
	"time"

	"github.com/hearthd/hearth/invoke/environment"
)

// expireLaterLocked has the clock call expire when an environment that is
// unused since then has been for the idle timeout. A call that is arranged
// already is for one that is unused for longer, and arranges the next.
func (p *Pool) expireLaterLocked(unused time.Time) {
	if p.expiring || p.closed {
		return
	}
	p.expiring = true
	d := unused.Add(p.opts.IdleTimeout).Sub(p.opts.Clock.Now())
	if p.expiry == nil {
		p.expiry = p.opts.Clock.AfterFunc(d, "close idle environments", p.expire)
	} else {
		p.expiry.Reset(d)
	}
}

// expire closes what has been unused for too long or has died.
func (p *Pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expiring = false
	if p.closed {
		return
	}
	now := p.opts.Clock.Now()
	var oldest *member
	for _, g := range p.groups {
		g.idle = slices.DeleteFunc(g.idle, func(m *member) bool {
			stays := m.provisioned || m.uses > 0
			if !stays && now.Sub(m.unusedSince) >= p.opts.IdleTimeout || m.env.State() == environment.Dead {
				p.discardLocked(m)
				return true
			}
			if !stays && (oldest == nil || m.unusedSince.Before(oldest.unusedSince)) {
				oldest = m
			}
			return false
		})
		p.scheduleLocked(g)
	}
	if oldest != nil {
		p.expireLaterLocked(oldest.unusedSince)
	}
	p.startMissingLocked() // in the room that it made
}
