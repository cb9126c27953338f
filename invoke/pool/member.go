package pool

import (
	"fmt"
	"time"

	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/environment"
)

// member is one environment in the pool. Guarded by Pool.mu.
type member struct {
	env   Environment // nil while it is starting
	group *group
	state // changed by changeLocked alone

	ahead         bool      // started for provisioned concurrency, and not for who waits
	served        bool      // has served an invocation
	measured      int       // MB that it takes when it has nothing to do; 0 when unknown
	successor     *member   // set with successionReady
	age           age       // by Options.Clock
	expectedSince time.Time // by the machine's clock, as the next
	idleSince     time.Time
}

// state is what the books say of an environment.
type state struct {
	invocations int // that it has; up to group.concurrency
	phase       phase
	succession  succession
	provisioned bool // one of those that provisioned concurrency was allocated
}

// succession is how far an environment is with having another in its place.
type succession uint8

const (
	successionNone   succession = iota
	successionWanted            // a successor is to be started, or is starting
	successionReady             // its successor stands by until it is free
)

// counts are how many environments of a group have each trait.
type counts struct {
	starting            int
	startingAhead       int // of these, for provisioned concurrency, or as successors
	expected            int // to be free in a moment
	provisioned         int
	provisionedExpected int // those that are both
	successorsWanted    int
}

// traits are what environments are counted by, a bit for each.
type traits uint8

const (
	traitStarting traits = 1 << iota
	traitStartingAhead
	traitExpected
	traitProvisioned
	traitSuccessorWanted
)

// add counts an environment with some traits n times.
func (c *counts) add(has traits, n int) {
	for _, field := range [...]struct {
		of    traits
		count *int
	}{
		{traitStarting, &c.starting},
		{traitStartingAhead, &c.startingAhead},
		{traitExpected, &c.expected},
		{traitProvisioned, &c.provisioned},
		{traitProvisioned | traitExpected, &c.provisionedExpected},
		{traitSuccessorWanted, &c.successorsWanted},
	} {
		if has&field.of == field.of {
			*field.count += n
		}
	}
}

// traitsIn returns the traits that an environment has in a state.
func (m *member) traitsIn(s state) (has traits) {
	switch s.phase {
	case phaseStarting:
		has = traitStarting
		if m.ahead {
			has |= traitStartingAhead
		}
	case phaseFreezing, phaseAnswered:
		has = traitExpected
	}
	if s.provisioned {
		has |= traitProvisioned
	}
	if s.succession == successionWanted {
		has |= traitSuccessorWanted
	}
	return has
}

// memoryIn returns the MB that an environment counts as in a state.
func (m *member) memoryIn(s state) int {
	switch s.phase {
	case phaseIdle, phaseFreezing, phaseStalled, phaseFrozen:
		if m.measured > 0 {
			return m.measured
		}
	case phaseClosed:
		return 0
	}
	return m.group.fn.MemorySize
}

// load returns how much of the function's concurrency an environment takes: none
// when it is provisioned, for it counts whether it is used or not, and none when
// whoever comes next can have it in a moment.
func (s state) load() int {
	if s.provisioned || s.phase != phaseBusy && s.phase != phaseDraining {
		return 0
	}
	return s.invocations
}

// changeLocked brings an environment to another state, and the books with it: it
// is the only place where they change for what an environment does.
func (p *Pool) changeLocked(m *member, to state) {
	g, from := m.group, m.state
	if from.phase != to.phase && !from.phase.mayBecome(to.phase) {
		panic(fmt.Sprintf("pool: an environment of %s goes from %s to %s", g.key.name, from.phase, to.phase))
	}
	m.state = to
	p.memory += m.memoryIn(to) - m.memoryIn(from)
	g.books.addLoad(to.load() - from.load())
	if was, is := m.traitsIn(from), m.traitsIn(to); was != is {
		p.countLocked(g, was, -1)
		p.countLocked(g, is, +1)
	}
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
		m.successor = nil
	case to.phase.expected():
		m.expectedSince = time.Now()
	}
}

// countLocked counts an environment with some traits in, or out.
func (p *Pool) countLocked(g *group, has traits, n int) {
	g.totals.add(has, n)
	if has&traitStartingAhead != 0 {
		p.startingAhead += n
	}
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

// reading is what an environment and the clocks said before the lock was taken.
type reading struct {
	state  environment.State
	memory int       // MB, 0 when unknown
	now    time.Time // by Options.Clock
	at     time.Time // the same moment by the machine's clock
}

func (p *Pool) read(env Environment) reading {
	r := reading{state: env.State(), memory: env.MemoryUsed(), at: time.Now()}
	r.now = r.at
	if _, same := p.opts.Clock.(clock.Real); !same { // asking twice is a tenth of a warm invocation
		r.now = p.opts.Clock.Now()
	}
	return r
}
