// Package pool keeps the execution environments of every function version and
// gives each invocation one of its own.
//
//	Invoke ── idle environment? ── yes ─────────────────────────► environment ──► answer
//	             │ no                                                  ▲   │ free
//	             ▼                                                     │   ▼
//	          wait in line ◄── started for it, or freed by another ────┴─ next in line, else idle
//	                                                                       │ freeze, later reap
//
// An invocation that finds no idle environment waits, and a start is made for
// it: one start for each waiting invocation that has none, so that a hundred
// requests from zero become a hundred environments, and one slow start is
// nobody else's delay. Whichever environment is ready first serves whoever has
// waited longest. Starts in flight are bounded; a start that takes long, since
// it waits rather than computes, gives its slot away.
//
// An environment answers its caller a moment before it is free. A caller that
// comes again at once should find it, not a cold start: an invocation for which
// there is such an environment gets no start before patience has passed since
// the answer.
//
// The most recently used idle environment is taken first, so that a falling
// load lets the others go idle for good. Idle ones are frozen after a grace
// and closed after the idle timeout; when the host's memory share is used up,
// the least recently used one of any function is closed to make room.
//
// # Concurrency
//
// What an account may have in a region is shared out: a function can have a part
// of it reserved, which is also the most that it gets (Reserve), and environments
// that are provisioned ahead take theirs whether they work or not (Provision). An
// invocation that finds a provisioned environment idle runs there; any other, also
// while the provisioned ones are starting or cannot be had, runs on demand. It
// counts against the function's reserve, or against what nobody has reserved, and
// is throttled when that is used up.
//
// Environments of functions on managed instances are multi-concurrent: they take
// several invocations at a time. Those are not counted: who finds every environment
// full waits for one, or for another where there may be one.
//
// Environments belong to one generation of one version, and to one tenant. When a
// function changes, those of the outdated generation finish what they do and are
// closed (Options.Changes).
//
// # Age
//
// An environment takes no event after MaxAge: it is closed when it is free then.
// One that is provisioned gets a successor before, which takes over when the old
// one has nothing to do; a multi-concurrent one gives way to its successor at once and
// finishes what it has. Ages are spread over a tenth of MaxAge.
//
// # Books and lock
//
// Each environment has a phase (phase.go). The books follow from its phase and the
// little else that state has, in one place (changeLocked): the ledger of
// concurrency, memory, which environments are idle, and what each group counts.
//
// One lock guards all of it. Nothing but Environment.State is called with it held:
// what follows for others from a change, be it an environment to close, somebody to
// wake or a line to log, is noted, and done when the lock is released (effects.go).
package pool
