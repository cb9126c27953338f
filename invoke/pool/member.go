package pool

import (
	"fmt"
	"time"

	"github.com/hearthd/hearth/invoke/environment"
)

// member is one environment in the pool. Guarded by Pool.mu.
type member struct {
	env   Environment // nil while it is starting
	group *group
	state // changed by changeLocked alone

	ahead         bool // started for provisioned concurrency, and not for who waits
	served        bool // has served an invocation
	measured      int  // MB that it takes when it has nothing to do; 0 when unknown
	successor     *member
	age           age       // by Options.Clock
	expectedSince time.Time // by the machine's clock, as the next
	idleSince     time.Time
}

// state is what the books say of an environment.
type state struct {
	phase       phase
	invocations int  // that it has; up to group.concurrency
	provisioned bool // one of those that provisioned concurrency was allocated
	succession  succession
}

// succession is how far an environment is with having another in its place.
type succession uint8

const (
	successionNone   succession = iota
	successionWanted            // a successor is to be started, or is starting
	successionReady             // its successor stands by until it is free
)

// counts are what environments add to the books.
type counts struct {
	memory              int // MB
	load                int // of the function's concurrency
	starting            int
	startingAhead       int // of these, for provisioned concurrency, or as successors
	expected            int // to be free in a moment
	provisioned         int
	provisionedExpected int // those that are both
	successorsWanted    int
}

// add changes the counts by what one environment's become.
func (c *counts) add(before, after *counts) {
	c.memory += after.memory - before.memory
	c.load += after.load - before.load
	c.starting += after.starting - before.starting
	c.startingAhead += after.startingAhead - before.startingAhead
	c.expected += after.expected - before.expected
	c.provisioned += after.provisioned - before.provisioned
	c.provisionedExpected += after.provisionedExpected - before.provisionedExpected
	c.successorsWanted += after.successorsWanted - before.successorsWanted
}

// countsIn returns what an environment adds to the books in a state.
func (m *member) countsIn(s state) (c counts) {
	c.memory = m.group.fn.MemorySize
	switch s.phase {
	case phaseStarting:
		c.starting = 1
		c.startingAhead = count(m.ahead)
	case phaseIdle, phaseFreezing, phaseStalled, phaseFrozen:
		if m.measured > 0 {
			c.memory = m.measured
		}
	case phaseBusy, phaseDraining:
		// One that is provisioned counts whether it is used or not, and one that
		// is answered can be had in a moment by whoever comes next.
		if !s.provisioned {
			c.load = s.invocations
		}
	case phaseClosed:
		c.memory = 0
	}
	c.expected = count(s.phase.expected())
	c.provisioned = count(s.provisioned)
	c.provisionedExpected = count(s.provisioned && s.phase.expected())
	c.successorsWanted = count(s.succession == successionWanted)
	return c
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// changeLocked brings an environment to another state, and the books with it: it
// is the only place where they change for what an environment does.
func (p *Pool) changeLocked(m *member, to state) {
	g, from := m.group, m.state
	if from.phase != to.phase && !from.phase.mayBecome(to.phase) {
		panic(fmt.Sprintf("pool: an environment of %s goes from %s to %s", g.key.name, from.phase, to.phase))
	}
	p.bookLocked(m, m.countsIn(from), m.countsIn(to))
	m.state = to
	switch was, is := g.offers(from), g.offers(to); {
	case is && !was:
		g.pushIdle(m)
	case was && !is:
		g.takeIdle(m)
	}
	switch {
	case from.phase == to.phase:
	case from.phase == phaseStarting && to.phase == phaseFree:
		g.members[m] = struct{}{}
	case to.phase == phaseClosed:
		delete(g.members, m)
	case to.phase.expected():
		m.expectedSince = time.Now()
	}
}

// bookLocked changes the books of the group, the function and the pool.
func (p *Pool) bookLocked(m *member, before, after counts) {
	m.group.totals.add(&before, &after)
	m.group.books.addLoad(after.load - before.load)
	p.memory += after.memory - before.memory
	p.startingAhead += after.startingAhead - before.startingAhead
}

// moveLocked brings an environment to its next phase.
func (p *Pool) moveLocked(m *member, to phase) {
	s := m.state
	s.phase = to
	if to == phaseClosed {
		s.provisioned, s.succession = false, successionNone
	}
	p.changeLocked(m, s)
}

// takeLocked gives an environment an invocation more.
func (p *Pool) takeLocked(m *member) {
	s := m.state
	s.phase = phaseBusy
	s.invocations++
	p.changeLocked(m, s)
	if m.group.concurrency > 1 {
		p.expireByLocked(m.nextEvent())
	}
}

// endLocked takes an invocation from an environment. With its last it is free,
// unless it takes no others.
func (p *Pool) endLocked(m *member) {
	s := m.state
	s.invocations--
	if s.invocations == 0 && (s.phase == phaseBusy || s.phase == phaseAnswered) {
		s.phase = phaseFree
	}
	m.served = true
	p.changeLocked(m, s)
}

// setProvisionedLocked makes an environment one of those that provisioned
// concurrency was allocated, or an ordinary one.
func (p *Pool) setProvisionedLocked(m *member, provisioned bool) {
	if m.provisioned == provisioned {
		return
	}
	s := m.state
	s.provisioned = provisioned
	if !provisioned && s.succession == successionWanted {
		s.succession = successionNone
	}
	p.changeLocked(m, s)
	if provisioned {
		p.expireByLocked(m.nextEvent()) // it may never rest before its successor is due
	}
}

// setSuccessionLocked notes how far an environment is with its succession.
func (p *Pool) setSuccessionLocked(m *member, to succession) {
	s := m.state
	s.succession = to
	p.changeLocked(m, s)
}

// discardLocked forgets an environment and has it closed. Those that Close has
// taken over are its business.
func (p *Pool) discardLocked(m *member) {
	if m.phase == phaseClosed {
		return
	}
	p.moveLocked(m, phaseClosed)
	p.closeAfterwards(m)
	p.forgetLocked(m.group)
}

// reading is what an environment and the clock said before the lock was taken.
type reading struct {
	state  environment.State
	memory int // MB, 0 when unknown
	now    time.Time
}

func (p *Pool) read(env Environment) reading {
	return reading{state: env.State(), memory: env.MemoryUsed(), now: p.opts.Clock.Now()}
}
