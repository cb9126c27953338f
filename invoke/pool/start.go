package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// startSlot is how long a start counts against MaxStarting.
const startSlot = 2 * time.Second

// patience is how long after its answer an environment is expected to be free,
// and worth more to an invocation that waits than a start of its own. A busy
// machine lets a runtime wait for its turn for tens of milliseconds; much more
// would cost more than the cold start that it saves.
const patience = 100 * time.Millisecond

// scheduleLocked makes the starts that are missing and allowed. g is the group
// whose need may have changed.
func (p *Pool) scheduleLocked(g *group) {
	if p.closed {
		return
	}
	if g.missing() > 0 && !g.needy {
		g.needy = true
		p.needy = append(p.needy, g)
	}
	if g.totals.expected > 0 && g.unserved()+g.totals.expected > 0 && g.patience == nil {
		p.countOnLocked(g)
	}
	p.startMissingLocked()
}

// missing is how many starts a group lacks.
func (g *group) missing() int {
	if g.onManagedInstances() { // one start serves both
		return max(g.unserved(), g.lacking())
	}
	return max(g.unserved(), 0) + max(g.lacking(), 0)
}

// unserved is how many starts the invocations lack that wait. Those that are made
// ahead count on managed instances alone: elsewhere invocations run on demand for as
// long as the provisioned environments are not there, as on AWS. They may be long in
// coming, and may never come.
func (g *group) unserved() int {
	n := (len(g.waiters)+g.concurrency-1)/g.concurrency - g.totals.starting - g.totals.expected
	if !g.onManagedInstances() {
		n += g.totals.startingAhead
	}
	if g.provisioning.max > 0 {
		n = min(n, g.provisioning.max-len(g.members)-g.totals.starting)
	}
	return n
}

// startsAhead reports whether the next start of a group is one for its provisioned
// environments or a successor, and not for whoever waits.
func (g *group) startsAhead() bool {
	return g.lacking() > 0 && (g.onManagedInstances() || g.unserved() <= 0)
}

// startMissingLocked gives start slots and memory to the needy groups in turn.
// A group for which there is no room keeps its turn, and those behind it that
// need less go on: one large function does not hold up all others.
func (p *Pool) startMissingLocked() {
	for i := 0; i < len(p.needy) && p.starting < p.opts.MaxStarting && !p.closed; {
		g := p.needy[i]
		switch {
		case g.missing() <= 0:
			g.needy = false
			p.needy = slices.Delete(p.needy, i, i+1)
		case p.makeRoomLocked(g.fn.MemorySize):
			p.startLocked(g)
			p.needy = append(slices.Delete(p.needy, i, i+1), g)
		default:
			i++ // whoever is freed next makes room
		}
	}
}

// countOnLocked sets the timer that stops counting on those members of a group
// that are expected and have not come within patience.
func (p *Pool) countOnLocked(g *group) {
	first := time.Now()
	for m := range g.members {
		if m.phase.expected() && m.expectedSince.Before(first) {
			first = m.expectedSince
		}
	}
	g.patience = time.AfterFunc(time.Until(first.Add(patience)), func() {
		p.mu.Lock()
		defer p.unlock()
		g.patience = nil
		for m := range g.members {
			switch late := time.Since(m.expectedSince) >= patience; {
			case late && m.phase == phaseAnswered:
				p.moveLocked(m, phaseBusy)
			case late && m.phase == phaseFreezing:
				p.moveLocked(m, phaseStalled)
			}
		}
		p.scheduleLocked(g)
	})
}

// makeRoomLocked reports whether an environment of that many MB may be added,
// closing idle ones for it if need be, the least recently used first; none
// when that would not make room. A function larger than the bound may run when
// it is alone.
func (p *Pool) makeRoomLocked(need int) bool {
	fits := func(memory int) bool {
		return p.opts.MaxMemory <= 0 || memory == 0 || memory+need <= p.opts.MaxMemory
	}
	if fits(p.memory) {
		return true
	}
	idle := 0
	for _, g := range p.groups {
		for _, m := range g.idle {
			if m.mayGo() {
				idle += m.memoryIn(m.state)
			}
		}
	}
	if !fits(p.memory - idle) {
		return false
	}
	for !fits(p.memory) {
		var oldest *member
		for _, g := range p.groups {
			for _, m := range g.idle {
				if m.mayGo() {
					if oldest == nil || m.idleSince.Before(oldest.idleSince) {
						oldest = m
					}
					break // the others are not older
				}
			}
		}
		p.discardLocked(oldest)
	}
	return true
}

// mayGo reports whether an idle environment may be closed to make room.
func (m *member) mayGo() bool { return m.phase.atRest() && !m.provisioned }

// startLocked adds an environment to a group and has it started.
func (p *Pool) startLocked(g *group) {
	m := &member{group: g, ahead: g.startsAhead()}
	p.countLocked(g, m.traitsIn(m.state), +1)
	p.memory += m.memoryIn(m.state)
	p.starting++
	p.startAfterwards(m)
}

// start opens and initializes an environment and gives it to the group, or
// tells the longest waiting why there is none.
func (p *Pool) start(m *member) {
	err := p.open(m)
	var r reading
	if err == nil {
		r = p.read(m.env)
	}
	p.mu.Lock()
	defer p.unlock()
	g := m.group
	if err == nil {
		p.moveLocked(m, phaseFree)
		m.age = p.ages.born(r.now)
		m.measured = min(r.memory, g.fn.MemorySize)
	} else {
		p.moveLocked(m, phaseClosed)
	}
	useful := err == nil
	if m.ahead {
		defer p.settleLocked()
		useful = p.startedAheadLocked(m, r, err) && err == nil
	}
	switch {
	case useful && m.phase == phaseStandby:
	case useful:
		p.offerLocked(m, r)
	case err == nil:
		p.discardLocked(m)
	case len(g.waiters) > 0 && m.servesWaiters():
		p.leaveLocked(g)
		p.grantAfterwards(g.popWaiter(), grant{err: err})
	case !p.closed && !m.ahead:
		p.warnAfterwards("environment that nobody waits for any more", "function", g.key.name.String(), "error", err)
	}
	p.scheduleLocked(g)
	p.forgetLocked(g)
}

// servesWaiters reports whether an environment that is starting is one that
// invocations wait for: its failure is theirs.
func (m *member) servesWaiters() bool { return !m.ahead || m.group.onManagedInstances() }

// open opens an environment and runs its init phase, which ends early when the
// pool is closed. A failed init phase is not an error here: the invocation
// that gets the environment runs it again and sees why. One that took the
// sandbox with it is, so that it is not repeated for as long as somebody waits.
func (p *Pool) open(m *member) error {
	name := m.group.key.name
	env, err := p.opts.Open(p.ctx, m.group.fn, m.initType())
	if err != nil {
		return fmt.Errorf("start an environment of %s: %w", name, err)
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(p.ctx, func() {
		defer close(closed)
		_ = env.Close() // again by whoever finds it dead, who reports the error
	})
	env.Init()
	if !stop() {
		<-closed
	}
	if env.State() != environment.Dead {
		m.env = env
		return nil
	}
	err = fmt.Errorf("start an environment of %s: %w", name, environment.ErrDead)
	if closeErr := env.Close(); closeErr != nil {
		err = fmt.Errorf("%w, and close it: %w", err, closeErr)
	}
	return err
}

// initType is what an environment is told to be started for.
func (m *member) initType() string {
	switch {
	case m.group.onManagedInstances():
		return hearth.InitManaged
	case m.ahead:
		return hearth.InitProvisioned
	default:
		return hearth.InitOnDemand
	}
}
