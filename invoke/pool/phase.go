package pool

import "fmt"

// phase is where an environment is in its life.
//
//	starting ──► free ◄──► standby
//	             ▲ │ │
//	   ┌─────────┘ │ └──► idle ──► freezing ──► stalled
//	   │           │        │       │   │        │   │
//	   │           │        │       │   └► free ◄┘   │
//	   │           │        │       └───► frozen ◄───┘
//	   │           ▼        │                │
//	   ├───────── busy ◄────┴────────────────┘
//	   │           ▲ └───► draining
//	   │           ▼
//	   └─────── answered
//
// Every phase but closed ends in closed when the environment is discarded: it died,
// is unused, old, outdated or one too many, or its pool is closed.
type phase uint8

const (
	// phaseStarting: it is being opened, or in its init phase.
	phaseStarting phase = iota
	// phaseFree: it has nothing to do and what becomes of it is being decided. No
	// environment is free while the pool's lock is not held.
	phaseFree
	// phaseStandby: it is ready to succeed another, which is not free yet.
	phaseStandby
	// phaseIdle: it has nothing to do, and is there for whoever comes.
	phaseIdle
	// phaseFreezing: it is being frozen. Whoever comes counts on it.
	phaseFreezing
	// phaseStalled: it is being frozen for so long that nobody counts on it.
	phaseStalled
	// phaseFrozen: it is idle, and its processes are stopped.
	phaseFrozen
	// phaseBusy: it has invocations.
	phaseBusy
	// phaseAnswered: its only invocation has the answer, so that it is free in a
	// moment. Whoever comes counts on it.
	phaseAnswered
	// phaseDraining: it has invocations, and takes no others.
	phaseDraining
	// phaseClosed: it is no longer of the pool. Invocations that it still has end
	// with its processes.
	phaseClosed

	phases = iota
)

// moves are the phases that may follow each.
var moves = [phases]phaseSet{
	phaseStarting: setOf(phaseFree, phaseClosed),
	phaseFree:     setOf(phaseStandby, phaseIdle, phaseBusy, phaseClosed),
	phaseStandby:  setOf(phaseFree, phaseClosed),
	phaseIdle:     setOf(phaseFreezing, phaseBusy, phaseClosed),
	phaseFreezing: setOf(phaseStalled, phaseFrozen, phaseFree, phaseClosed),
	phaseStalled:  setOf(phaseFrozen, phaseFree, phaseClosed),
	phaseFrozen:   setOf(phaseBusy, phaseClosed),
	phaseBusy:     setOf(phaseAnswered, phaseDraining, phaseFree, phaseClosed),
	phaseAnswered: setOf(phaseBusy, phaseFree, phaseClosed),
	phaseDraining: setOf(phaseClosed),
	phaseClosed:   setOf(),
}

// phaseSet is a set of phases, a bit for each.
type phaseSet uint16

func setOf(members ...phase) (s phaseSet) {
	for _, m := range members {
		s |= 1 << m
	}
	return s
}

func (s phaseSet) has(p phase) bool { return s&(1<<p) != 0 }

// mayBecome reports whether another phase may follow.
func (p phase) mayBecome(next phase) bool { return moves[p].has(next) }

// atRest reports whether an environment is there for whoever comes, and has
// nothing to do.
func (p phase) atRest() bool { return p == phaseIdle || p == phaseFrozen }

// expected reports whether an environment is counted on to be free in a moment.
func (p phase) expected() bool { return p == phaseAnswered || p == phaseFreezing }

func (p phase) String() string {
	names := [phases]string{
		"starting", "free", "standby", "idle", "freezing", "stalled", "frozen", "busy", "answered", "draining", "closed",
	}
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}
