package pool

import (
	"time"

	"github.com/hearthd/hearth"
)

// accountKey is where concurrency is shared out.
type accountKey struct{ account, region string }

// account is the books of one account and region. Guarded by Pool.mu.
type account struct {
	reserved int // by its functions
	load     int // of the functions that reserve nothing
	tallies  int
}

// tally is the books of one function, all its versions together. Guarded by
// Pool.mu.
type tally struct {
	name    hearth.Name
	account *account
	// load counts the invocations that are in progress or wait, without those
	// that run on provisioned environments and those that are about to be over.
	load     int
	kept     int // provisioned environments that are to be there
	reserved int // noReserve: none
	holders  int // groups
}

// noReserve is the reserve of functions that share what is left.
const noReserve = -1

// retryAfter is what callers who are throttled are told to wait. AWS does not
// tell those who find a function's own concurrency used up.
const retryAfter = time.Second

// tallyLocked finds or makes the books of a function.
func (p *Pool) tallyLocked(name hearth.Name) *tally {
	t := p.tallies[name]
	if t == nil {
		key := accountKey{name.Account, name.Region}
		a := p.accounts[key]
		if a == nil {
			a = &account{}
			p.accounts[key] = a
		}
		a.tallies++
		t = &tally{name: name, account: a, reserved: noReserve}
		p.tallies[name] = t
	}
	return t
}

// dropTallyLocked counts a group off the books of its function, and closes
// them when they say nothing any more. t may be nil.
func (p *Pool) dropTallyLocked(t *tally) {
	if t != nil {
		t.holders--
		p.closeTallyLocked(t)
	}
}

func (p *Pool) closeTallyLocked(t *tally) {
	if t.holders > 0 || t.reserved != noReserve || t.kept > 0 || p.tallies[t.name] != t {
		return
	}
	delete(p.tallies, t.name)
	if t.account.tallies--; t.account.tallies == 0 {
		delete(p.accounts, accountKey{t.name.Account, t.name.Region})
	}
}

// add changes the load of a function.
func (t *tally) add(n int) {
	if t == nil || n == 0 {
		return
	}
	t.load += n
	if t.reserved == noReserve {
		t.account.load += n
	}
}

// keep changes how many provisioned environments a function is to have: that
// much of its concurrency is taken, whether they are there and at work or not.
func (t *tally) keep(n int) {
	if t == nil {
		return
	}
	t.kept += n
	if t.reserved == noReserve {
		t.account.load += n
	}
}

// throttleLocked says whether an invocation that finds no provisioned
// environment may not run or wait; nil when it may.
func (p *Pool) throttleLocked(g *group) *hearth.Throttle {
	t := g.tally
	soon := g.keep.expected // a provisioned one that is free in a moment will do
	switch {
	case t == nil:
		if len(g.waiters) < p.opts.MaxConcurrency {
			return nil
		}
	case t.reserved != noReserve:
		if t.load+t.kept-soon < t.reserved {
			return nil
		}
		return &hearth.Throttle{Reason: hearth.ThrottleReservedConcurrency}
	case t.account.load-soon < p.opts.MaxConcurrency-t.account.reserved:
		return nil
	}
	return &hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: retryAfter}
}

// Reserve gives a function that much of its account's concurrency, for all its
// versions together: it cannot have more, and others cannot have it. Zero lets
// nothing run; nil gives it back. Invocations in progress go on.
func (p *Pool) Reserve(name hearth.Name, reserved *hearth.ReservedConcurrency) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tallyLocked(name)
	if t.reserved == noReserve {
		t.account.load -= t.load + t.kept
	} else {
		t.account.reserved -= t.reserved
	}
	if t.reserved = noReserve; reserved != nil {
		t.reserved = reserved.Executions
		t.account.reserved += t.reserved
	} else {
		t.account.load += t.load + t.kept
	}
	p.closeTallyLocked(t)
}

// load is what a member counts for in the books of its function.
func (m *member) load() int {
	switch {
	case m.provisioned: // its function keeps it, used or not
		return 0
	case m.expected && m.uses > 0:
		return m.uses - 1 // whoever comes next can have it in a moment
	default:
		return m.uses
	}
}

// useLocked gives an environment an invocation, which then counts as the
// environment does. One that can take more stays idle.
func (p *Pool) useLocked(m *member) {
	before := m.load()
	m.uses++
	m.group.tally.add(m.load() - before)
	if g := m.group; g.slots > 1 {
		g.takeIdle(m)
		if m.uses < g.slots && !g.retired {
			g.pushIdle(m)
		}
		p.expireByLocked(p.due(m))
	}
}

// joinLocked counts an invocation that waits, leaveLocked one that does not any
// more and was given no environment.
func (p *Pool) joinLocked(g *group) {
	p.active++
	g.tally.add(1)
}

func (p *Pool) leaveLocked(g *group) {
	p.active--
	g.tally.add(-1)
}

// expectLocked counts on a member to be free in a moment, or stops to.
func (p *Pool) expectLocked(m *member, soon bool) {
	if m.expected == soon || m.group.tally == nil {
		return // those of managed instances are free with their answers
	}
	before := m.load()
	by := -1
	if soon {
		by, m.expectedSince = 1, time.Now()
	}
	m.expected = soon
	m.group.expected += by
	if m.provisioned {
		m.group.keep.expected += by
	}
	m.group.tally.add(m.load() - before)
}

// setProvisionedLocked makes a member one of those that are kept, or an
// ordinary one.
func (p *Pool) setProvisionedLocked(m *member, provisioned bool) {
	if m.provisioned == provisioned {
		return
	}
	before := m.load()
	m.provisioned = provisioned
	by := -1
	if provisioned {
		by = 1
	} else {
		m.unageLocked()
	}
	m.group.keep.have += by
	if m.expected {
		m.group.keep.expected += by
	}
	m.group.tally.add(m.load() - before)
	if provisioned {
		p.expireByLocked(p.due(m)) // it may never rest before it is to be replaced
	}
}
