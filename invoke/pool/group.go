package pool

import (
	"slices"

	"github.com/hearthd/hearth/invoke/environment"
)

// popIdleLocked takes an idle environment: a provisioned one, or else, unless
// only such is wanted, another; of several the most recently used one, or with
// managed instances the one that has the least to do. One whose runtime has died
// is taken only when there is no other: it has to start its runtime again. Those
// whose sandbox has died are discarded on the way.
func (p *Pool) popIdleLocked(g *group, provisioned bool) *member {
	var best *member
	rank := 0
	for i := len(g.idle) - 1; i >= 0; i-- {
		m := g.idle[i]
		state := m.env.State()
		if state == environment.Dead {
			g.takeIdle(m)
			p.discardLocked(m)
			continue
		}
		if r := g.rank(m, state); r > rank && (m.provisioned || !provisioned) {
			if best, rank = m, r; r == g.best() {
				break
			}
		}
	}
	if best != nil {
		g.takeIdle(best)
	}
	return best
}

// How much an idle environment is worth to an invocation.
const (
	rankBroken = 1 + iota
	rankOrdinary
	rankProvisioned
)

// rank is what an environment of the group is worth. best is the highest that
// there can be.
func (g *group) rank(m *member, state environment.State) int {
	switch {
	case state != environment.Idle:
		return rankBroken
	case g.slots > 1:
		return rankProvisioned + g.slots - m.uses
	case m.provisioned:
		return rankProvisioned
	default:
		return rankOrdinary
	}
}

func (g *group) best() int {
	switch {
	case g.slots > 1:
		return rankProvisioned + g.slots
	case g.keep.have > 0:
		return rankProvisioned
	default:
		return rankOrdinary
	}
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
