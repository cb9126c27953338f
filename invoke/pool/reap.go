package pool

import (
	"time"

	"github.com/hearthd/hearth/invoke/environment"
)

// reap freezes and closes idle environments when they are due. It sleeps
// until the next one is: an idle daemon does nothing.
func (p *Pool) reap() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, ok := p.reapOnce(time.Now())
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

// reapOnce closes and freezes what is due, and returns when to look again.
func (p *Pool) reapOnce(now time.Time) (next time.Time, ok bool) {
	for _, m := range p.takeDue(now) {
		// Out of the idle list, the environment is ours as in an invocation.
		if err := m.env.Freeze(); err != nil {
			p.opts.Logger.Warn("freeze idle environment", "function", m.group.key.name.String(), "error", err)
		}
		state, used := m.env.State(), m.env.MemoryUsed()
		p.mu.Lock()
		if g := m.group; p.closed || state == environment.Dead || len(g.waiters) > 0 || g.retired {
			p.returnLocked(m, state, used)
		} else {
			m.frozen = true
			g.pushIdle(m) // idle since when it was
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		for _, m := range g.idle {
			due := m.idleSince.Add(p.opts.IdleTimeout)
			if !m.frozen {
				due = m.idleSince.Add(min(p.opts.FreezeAfter, p.opts.IdleTimeout))
			}
			if !ok || due.Before(next) {
				next, ok = due, true
			}
		}
	}
	p.nextReap = next
	return next, ok
}

// takeDue closes what has been idle too long, and takes what is to be frozen
// out of the idle lists.
func (p *Pool) takeDue(now time.Time) (freeze []*member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	for _, g := range p.groups {
		kept := g.idle[:0]
		for _, m := range g.idle {
			switch idle := now.Sub(m.idleSince); {
			case idle >= p.opts.IdleTimeout:
				p.discardLocked(m)
			case idle >= p.opts.FreezeAfter && !m.frozen:
				freeze = append(freeze, m)
			default:
				kept = append(kept, m)
			}
		}
		clear(g.idle[len(kept):])
		g.idle = kept
	}
	return freeze
}
