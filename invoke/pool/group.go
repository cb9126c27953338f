package pool

import (
	"slices"

	"github.com/hearthd/hearth/invoke/environment"
)

// popIdle takes the most recently used idle environment. One whose runtime has
// died is taken only when there is no other: it has to start its runtime again.
func (g *group) popIdle() *member {
	if len(g.idle) == 0 {
		return nil
	}
	best := len(g.idle) - 1
	for i := best; i >= 0; i-- {
		if g.idle[i].env.State() == environment.Idle {
			best = i
			break
		}
	}
	m := g.idle[best]
	g.idle = slices.Delete(g.idle, best, best+1)
	m.frozen = false // Invoke thaws
	return m
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
