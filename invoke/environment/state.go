package environment

import (
	"fmt"
	"slices"
)

// State is where an environment is in its life; see the package comment.
type State int

// The states of an environment. A frozen one is Idle: whoever comes for it finds
// no difference but the time of the thaw.
const (
	New State = iota // not initialized yet
	Initializing
	Idle
	Broken // idle, but the runtime has to be started first
	Busy
	Dead
)

func (s State) String() string {
	return [...]string{"new", "initializing", "idle", "broken", "busy", "dead"}[s]
}

// moves are the legal ones. Dead is final.
var moves = [...][]State{
	New:          {Initializing, Dead},
	Initializing: {Idle, Broken, Dead},
	Idle:         {Busy, Broken, Dead},
	Broken:       {Busy, Dead},
	Busy:         {Idle, Broken, Dead},
	Dead:         nil,
}

// toLocked moves the environment to its next state. It reports false, and nothing
// changes, when the environment is Dead already: the sandbox can be lost, or Close
// be called, at any moment. A move that moves does not have is a mistake of this
// package.
func (e *Environment) toLocked(next State) bool {
	if e.state == Dead {
		return false
	}
	if !slices.Contains(moves[e.state], next) {
		panic(fmt.Sprintf("environment %s: illegal move from %s to %s", e.opts.ID, e.state, next))
	}
	e.state = next
	return true
}

// die is toLocked(Dead) for who does not hold the mutex.
func (e *Environment) die() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.toLocked(Dead)
}

// State returns where the environment is.
func (e *Environment) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// runState is where a run is in its life: up from its begin, then failed or not,
// then stopping and stopped. It skips states, and never goes back.
type runState int

const (
	runUp       runState = iota // being started, or at work: no process has ended
	runFailed                   // a process has ended by itself
	runStopping                 // stopRun is at work
	runStopped                  // all processes have ended, and their output was read
)

// toLocked moves the run on. It reports false, and nothing changes, when the run
// is there or further already: a second process ends, somebody else stops the run.
func (r *run) toLocked(next runState) bool {
	if next <= r.state {
		return false
	}
	if r.state == runUp {
		close(r.down)
	}
	if next == runStopped {
		close(r.stopped)
	}
	r.state = next
	return true
}
