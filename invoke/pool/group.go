package pool

import (
	"slices"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// groupKey tells environments apart that may not stand in for each other.
type groupKey struct {
	name                hearth.Name
	version, generation string
	tenant              string
}

// group is the environments of one key. Guarded by Pool.mu.
type group struct {
	key         groupKey
	fn          *hearth.Function
	books       *books // nil: on managed instances, which do not count
	concurrency int    // invocations that each environment takes at a time
	standing    standing
	pins        int // who uses the group across a release of the lock

	members map[*member]struct{}
	totals  counts // of the members and of those that are starting
	// idle are those that can take another invocation: by idleSince, the latest
	// last.
	idle         []*member
	waiters      []*waiter // the longest waiting first; none while there are idle ones
	provisioning provisioning
	patience     *time.Timer // stops counting on those that are expected
	needy        bool        // in Pool.needy
}

// groupLocked finds or makes the group of a function and tenant.
func (p *Pool) groupLocked(fn *hearth.Function, tenant string) *group {
	key := groupKey{name: fn.Name, version: fn.Version, generation: fn.Generation, tenant: tenant}
	g := p.groups[key]
	if g == nil {
		g = &group{key: key, fn: fn, concurrency: fn.MaxConcurrency(), members: map[*member]struct{}{}}
		if fn.Managed == nil {
			g.books = p.ledger.open(fn.Name)
		}
		p.groups[key] = g
	}
	return g
}

// forgetLocked drops a group that holds nothing.
func (p *Pool) forgetLocked(g *group) {
	if g.holdsNothing() && g.pins == 0 && p.groups[g.key] == g {
		delete(p.groups, g.key)
		p.ledger.close(g.books)
	}
}

func (g *group) holdsNothing() bool {
	return len(g.members) == 0 && len(g.waiters) == 0 && g.totals.starting == 0 && !g.provisioning.wanted()
}

// unpinLocked is for who has raised pins.
func (p *Pool) unpinLocked(g *group) {
	g.pins--
	p.forgetLocked(g)
}

// onManagedInstances reports whether the function is. Its environments work on
// between invocations and are never frozen; they are free with their answers.
func (g *group) onManagedInstances() bool { return g.books == nil }

// offers reports whether an environment in that state is one of the idle ones.
func (g *group) offers(s state) bool {
	return s.phase.atRest() || s.phase == phaseBusy && s.invocations < g.concurrency && g.standing != standingRetired
}

// chooseLocked chooses an idle environment: a provisioned one, or else, unless
// only such is wanted, another; of several the most recently used one, or of
// multi-concurrent ones the one that has the least to do. One whose runtime has
// died is chosen only when there is no other: it has to start its runtime again.
// Those whose sandbox has died are discarded on the way.
func (p *Pool) chooseLocked(g *group, provisioned bool) *member {
	var best *member
	rank := 0
	for i := len(g.idle) - 1; i >= 0; i-- {
		m := g.idle[i]
		state := m.env.State()
		if state == environment.Dead {
			p.discardLocked(m)
			continue
		}
		if r := g.rank(m, state); r > rank && (m.provisioned || !provisioned) {
			if best, rank = m, r; r == g.best() {
				break
			}
		}
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
	case g.concurrency > 1:
		return rankProvisioned + g.concurrency - m.invocations
	case m.provisioned:
		return rankProvisioned
	default:
		return rankOrdinary
	}
}

func (g *group) best() int {
	switch {
	case g.concurrency > 1:
		return rankProvisioned + g.concurrency
	case g.totals.provisioned > 0:
		return rankProvisioned
	default:
		return rankOrdinary
	}
}

// takeIdle takes an environment out of the idle ones.
func (g *group) takeIdle(m *member) {
	for i := len(g.idle) - 1; i >= 0; i-- { // most are taken from the end
		if g.idle[i] == m {
			g.idle = slices.Delete(g.idle, i, i+1)
			return
		}
	}
}

// pushIdle keeps the order by idleSince, those that have never served first: a
// spare must not take the place of the one that has the caches.
func (g *group) pushIdle(m *member) {
	at := len(g.idle)
	for at > 0 && (!m.served && g.idle[at-1].served || m.served == g.idle[at-1].served && g.idle[at-1].idleSince.After(m.idleSince)) {
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
