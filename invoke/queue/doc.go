// Package queue runs events that nobody waits for: asynchronous invocations.
//
//	Accept ── journal ──► ready, a line per function ── Invoker ──► done, and who is told of it
//	                       ▲                               │
//	                       └─── delayed, by the clock ◄────┘ failed, or throttled
//
// # The promise
//
// An event whose Accept returned nil is run at least once, under one request
// id, whatever happens to the process or the power. Its state is in the journal
// (package journal): when it was accepted, how often it was run, when it is due
// again. A change of state is one write, and the end of an event and the events
// that tell its destinations are one write too. What is run twice after a crash
// is what was running when it happened, and no more.
//
// # Attempts
//
// A function that fails is run again after one minute, and again after two,
// unless its configuration says otherwise. A throttle, or a failure of hearth's
// own, is no attempt: the event comes back after 1, 2, 4 ... seconds, at most
// 5 minutes, until it is too old. An event that would be too old at its next
// turn is given up at once. Due times and ages follow Options.Clock.
//
// A function is looked up when its event is run, so events that wait run on
// code that came meanwhile. An event belongs to the function that was there when
// it was accepted: when that is gone, the event is dropped, and whoever has its
// name then does not see it.
//
// # Fairness
//
// There is one line for each function with events, and a turn goes round the
// lines: a million events of one function delay another's by one event. A line
// begins with a few at a time, gets one more for every event that ends while
// others have waited for a second, and half as many after a throttle.
//
// The index of what waits is in memory, some 300 bytes each, the payloads up
// to a limit; those beyond it are read from the journal when they are run. It
// takes no consumer of the message store, which would hand out a window of the
// oldest events, and so let one function's backlog hide all others.
//
// # The end
//
// Drain lets what runs finish, Close gives the rest back: it stays in the
// journal as it was, and the next Open goes on with it.
package queue
