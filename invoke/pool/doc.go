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
// invocation that finds a provisioned environment idle runs there; any other
// counts against the function's reserve, or against what nobody has reserved, and
// is throttled when that is used up.
//
// Environments of functions on managed instances take several invocations at a
// time. Those are not counted: who finds every place taken waits for one, or for
// another environment where there may be one.
//
// Environments belong to one generation of one version, and to one tenant.
// Retire lets those of an outdated generation finish what they do and closes
// them.
//
// # Age
//
// An environment takes no event after MaxAge: it is closed when it is free then.
// One that is provisioned gets a successor before, which takes over when the old
// one has nothing to do; one of managed instances gets its successor at once and
// finishes what it has. Ages are spread over a tenth of MaxAge.
package pool
