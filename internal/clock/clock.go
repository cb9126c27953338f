// Package clock is time as hearth's schedules see it: when an event is tried
// again, how old it is, how long an environment has been idle. Real is the
// machine's clock. Test stands still until somebody advances it, so that hours
// of retries pass in moments and in the same order every time.
//
// What runs stays on real time and does not come here: deadlines of functions,
// time-outs of calls, grace periods, durations in logs.
//
// A user arms timers and lets go of them:
//
//	t := c.AfterFunc(time.Minute, "retry of event "+id, q.retry)
//	defer t.Stop()
//
// The words say in the report of an Advance what came due. With Real a
// callback runs in a goroutine of its own, with Test in the one that advances:
// it must hand work over rather than do it, must not be waited for with a lock
// held that it takes, and must not advance the clock.
package clock

import (
	"time"
)

// Clock tells the time and calls back when some of it has passed. Its methods
// may be called from several goroutines, with any lock held.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// AfterFunc calls f once, after d; at the next chance when d is not
	// positive, and never before AfterFunc has returned. what says in a few
	// words what is due then.
	AfterFunc(d time.Duration, what string, f func()) Timer
}

// Timer is a call that AfterFunc arranged.
type Timer interface {
	// Stop calls it off; false when it was made or called off before. It does
	// not wait for a callback that has begun.
	Stop() bool
	// Reset makes it due after d from now, whether it was made or not, and
	// reports whether it was still to be made.
	Reset(d time.Duration) bool
}

// Real is the machine's clock.
type Real struct{}

// Now implements Clock.
func (Real) Now() time.Time { return time.Now() }

// AfterFunc implements Clock; the words are dropped.
func (Real) AfterFunc(d time.Duration, _ string, f func()) Timer { return time.AfterFunc(d, f) }
