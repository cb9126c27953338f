package pool

import (
	"slices"

	"github.com/hearthd/hearth/invoke/environment"
)

// popIdleLocked takes the most recently used idle environment. One whose
// runtime has died is taken only when there is no other: it has to start its
// runtime again. Those whose sandbox has died are discarded on the way.
func (p *Pool) popIdleLocked(g *group) *member {
	var broken *member
	for i := len(g.idle) - 1; i >= 0; i-- {
		m := g.idle[i]
		switch state := m.env.State(); {
		case state == environment.Idle:
			g.takeIdle(m)
			return m
		case state == environment.Dead:
			g.takeIdle(m)
			p.discardLocked(m)
		case broken == nil:
			broken = m
		}
	}
	if broken != nil {
		g.takeIdle(broken)
	}
	return broken
}

// takeIdle takes an environment out of the idle ones; false when it is none.
func (g *group) takeIdle(m *member) bool {
	for i := len(g.idle) - 1; i >= 0; i-- { // most are taken from the end
		if g.idle[i] == m {
			g.idle = slices.Delete(g.idle, i, i+1)
			return true
		}
	}
	return false
}

// pushIdle keeps the order by idleSince, those that were never used first: a
// spare must not take the place of the one that has the caches.
func (g *group) pushIdle(m *member) {
	at := len(g.idle)
	for at > 0 && (!m.used && g.idle[at-1].used || m.used == g.idle[at-1].used && g.idle[at-1].idleSince.After(m.idleSince)) {
		at--
	}
	g.idle = slices.Insert(g.idle, at, m)
}

func (g *group) popWaiter() *waiter {
	w := g.waiters[0]
	g.waiters[0] = nil
	g.waiters = g.waiters[1:]
	return w
}

// dropWaiter reports whether w was still in line.
func (g *group) dropWaiter(w *waiter) bool {
	at := slices.Index(g.waiters, w)
	if at < 0 {
		return false
	}
	g.waiters = slices.Delete(g.waiters, at, at+1)
	return true
}
