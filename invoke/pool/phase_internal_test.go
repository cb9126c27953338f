package pool

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
)

// legal is what phase.go draws, written down once more.
var legal = map[phase]string{
	phaseStarting: "free closed",
	phaseFree:     "standby idle busy closed",
	phaseStandby:  "free closed",
	phaseIdle:     "freezing busy closed",
	phaseFreezing: "free stalled frozen closed",
	phaseStalled:  "free frozen closed",
	phaseFrozen:   "busy closed",
	phaseBusy:     "free answered draining closed",
	phaseAnswered: "free busy closed",
	phaseDraining: "closed",
	phaseClosed:   "",
}

// memberIn returns an environment in a phase, in a pool of its own in which nothing
// runs.
func memberIn(in phase) (*Pool, *member) {
	p := &Pool{groups: map[groupKey]*group{}, ledger: newLedger(10)}
	g := p.groupLocked(&hearth.Function{Name: hearth.Name{Function: "f"}, MemorySize: 128}, "")
	m := &member{group: g, state: state{phase: in}}
	if in == phaseBusy || in == phaseAnswered || in == phaseDraining {
		m.invocations = 1
	}
	if g.offers(m.state) {
		g.pushIdle(m)
	}
	p.memory = m.memoryIn(m.state)
	g.books.addLoad(m.load())
	p.countLocked(g, m.traitsIn(m.state), 1)
	return p, m
}

func TestMove_Legal(t *testing.T) {
	for from := phase(0); from < phases; from++ {
		for to := phase(0); to < phases; to++ {
			if !strings.Contains(" "+legal[from]+" ", " "+to.String()+" ") {
				continue
			}
			t.Run(fmt.Sprint(from, " to ", to), func(t *testing.T) {
				p, m := memberIn(from)
				p.moveLocked(m, to)
				if m.phase != to {
					t.Errorf("it is %s", m.phase)
				}
			})
		}
	}
}

func TestMove_Illegal_Panics(t *testing.T) {
	for from := phase(0); from < phases; from++ {
		for to := phase(0); to < phases; to++ {
			if from == to || strings.Contains(" "+legal[from]+" ", " "+to.String()+" ") {
				continue
			}
			t.Run(fmt.Sprint(from, " to ", to), func(t *testing.T) {
				p, m := memberIn(from)
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
					if m.phase != from {
						t.Errorf("it is %s", m.phase)
					}
				}()
				p.moveLocked(m, to)
			})
		}
	}
}

// Whatever way an environment takes through its life, the books end where they
// began.
func TestMove_BooksFollow(t *testing.T) {
	p, m := memberIn(phaseStarting)
	g := m.group
	m.ahead = true
	p.countLocked(g, traitStartingAhead, 1)
	type books struct {
		memory, load, expected, idle, members int
	}
	step := func(do func(), want books) {
		t.Helper()
		do()
		got := books{p.memory, g.books.load, g.totals.expected, len(g.idle), len(g.members)}
		if got != want {
			t.Errorf("%s: %+v, want %+v", m.phase, got, want)
		}
	}
	to := func(next phase) func() { return func() { p.moveLocked(m, next) } }
	step(to(phaseFree), books{memory: 128, members: 1})
	m.measured = 30
	step(to(phaseIdle), books{memory: 30, idle: 1, members: 1})
	step(to(phaseFreezing), books{memory: 30, expected: 1, members: 1})
	step(to(phaseStalled), books{memory: 30, members: 1})
	step(to(phaseFrozen), books{memory: 30, idle: 1, members: 1})
	step(func() { p.takeLocked(m) }, books{memory: 128, load: 1, members: 1})
	step(to(phaseAnswered), books{memory: 128, expected: 1, members: 1})
	step(to(phaseBusy), books{memory: 128, load: 1, members: 1})
	step(func() { p.endLocked(m) }, books{memory: 128, members: 1})
	step(to(phaseIdle), books{memory: 30, idle: 1, members: 1})
	step(to(phaseClosed), books{})
	if g.totals != (counts{}) || p.startingAhead != 0 {
		t.Errorf("left: %+v, %d starting ahead", g.totals, p.startingAhead)
	}
}

func TestMove_ProvisionedCountsNoLoad(t *testing.T) {
	p, m := memberIn(phaseFree)
	p.setProvisionedLocked(m, true)
	p.takeLocked(m)
	if load := m.group.books.load; load != 0 {
		t.Errorf("load %d at work", load)
	}
	p.setProvisionedLocked(m, false)
	if load := m.group.books.load; load != 1 {
		t.Errorf("load %d as an ordinary one", load)
	}
	p.moveLocked(m, phaseClosed)
	if load := m.group.books.load; load != 0 {
		t.Errorf("load %d of a closed one", load)
	}
}

func TestMultiConcurrent_OfferedWhileThereIsRoom(t *testing.T) {
	p, m := memberIn(phaseFree)
	m.group.concurrency = 2
	for i, offered := range []int{1, 0} {
		if p.takeLocked(m); len(m.group.idle) != offered {
			t.Errorf("offered %d times with %d invocations", len(m.group.idle), i+1)
		}
	}
	p.endLocked(m)
	if m.phase != phaseBusy || len(m.group.idle) != 1 {
		t.Errorf("then it is %s, offered %d times", m.phase, len(m.group.idle))
	}
	p.moveLocked(m, phaseDraining)
	if len(m.group.idle) != 0 {
		t.Error("offered while draining")
	}
}

func TestPhase_String(t *testing.T) {
	if got := phaseAnswered.String() + ", " + phase(99).String(); got != "answered, phase 99" {
		t.Error(got)
	}
}
