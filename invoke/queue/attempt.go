package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/queue/journal"
)

// How long after a throttle, or a failure of hearth's own, an event has its
// next turn: twice as long each time.
const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// retryDelay is how long after an attempt the next one is: AWS's.
func retryDelay(attempts int) time.Duration { return time.Duration(attempts) * time.Minute }

func backoff(delays int) time.Duration {
	if delays > 9 { // 512 s
		return maxBackoff
	}
	return min(minBackoff<<delays, maxBackoff)
}

// verdict is what becomes of an event after its turn.
type verdict int

const (
	ended     verdict = iota // done: its outcome is told
	dropped                  // done: nobody is told
	again                    // due later
	givenBack                // left as it was, for the next Open
)

// run gives an event its turn.
func (q *Queue) run(ev *event) {
	v, outcome, failure := q.attempt(ev)
	failpoint.Hit("queue/ran")
	var told []*event
	switch v {
	case ended, dropped:
		told = q.end(ev, v, outcome)
	case again:
		q.keep(ev)
	case givenBack:
	}
	failpoint.Hit("queue/kept")
	q.mu.Lock()
	defer q.mu.Unlock()
	q.countLocked(v, outcome, failure)
	l := ev.line
	q.active--
	l.active--
	if failure == nil {
		l.growLocked(q.opts.MaxPerFunction)
	} else {
		l.shrinkLocked()
	}
	for _, follower := range told {
		q.stats.Accepted++
		q.events++
		q.addLocked(follower, q.lineLocked(follower.line.owner))
	}
	switch v {
	case ended, dropped:
		q.removeLocked(ev)
	case again:
		q.waitLocked(ev)
	case givenBack: // the journal has it
	}
	q.takeTurnsLocked(l)
	q.startLocked()
	q.restLocked()
}

// attempt runs the function, unless there is a reason not to, and says what
// becomes of the event. outcome is that of an event that ended; failure is why
// the function could not be run.
func (q *Queue) attempt(ev *event) (v verdict, outcome destination.Outcome, failure error) {
	name := ev.line.name
	outcome = destination.Outcome{RequestID: ev.id, Name: name, Qualifier: ev.qualifier, Invokes: ev.attempts}
	config, there := q.config(ev)
	if !there {
		q.log(ev).Warn("event dropped: its function is gone")
		return dropped, outcome, nil
	}
	payload, err := q.payload(ev)
	if err != nil {
		q.log(ev).Error("read event", "error", err)
		v, outcome = q.delay(ev, config, outcome, err)
		return v, outcome, err
	}
	outcome.Payload = payload
	switch {
	case config.Paused:
		outcome.Condition = destination.ZeroReservedConcurrency
		return ended, outcome, nil
	case q.opts.Clock.Now().Sub(ev.accepted) > config.MaxAge:
		outcome.Condition = destination.EventAgeExceeded
		return ended, outcome, nil
	}
	failpoint.Hit("queue/run")
	inv := &hearth.Invocation{RequestID: ev.id, Payload: payload, FunctionID: ev.line.id, TraceID: ev.trace, TenantID: ev.tenant}
	res, err := q.opts.Invoker.Invoke(q.ctx, name, ev.qualifier, inv)
	ev.hop = inv.TraceID
	switch {
	case (err != nil || res.FunctionError != "") && q.closing(err):
		return givenBack, outcome, nil
	case errors.Is(err, hearth.ErrNotFound):
		q.log(ev).Warn("event dropped: its function is gone", "error", err)
		return dropped, outcome, nil
	case errors.Is(err, hearth.ErrRecursiveInvoke):
		// Its destinations are not told: they could be what closes the loop.
		q.log(ev).Warn("event dropped: it is part of a loop", "error", err)
		return dropped, outcome, nil
	case err != nil:
		v, outcome = q.delay(ev, config, outcome, err)
		return v, outcome, err
	}
	ev.attempts, ev.delays = ev.attempts+1, 0
	outcome.Result, outcome.Invokes = &res, ev.attempts
	if res.FunctionError == "" {
		outcome.Condition = destination.Success
		return ended, outcome, nil
	}
	v, outcome = q.retry(ev, config, outcome)
	return v, outcome, nil
}

// config returns that of the event's function, completed; false when that is
// gone, be there another one of its name or not.
func (q *Queue) config(ev *event) (c Config, there bool) {
	c = q.opts.Configs.Config(ev.line.name, ev.qualifier)
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	return c, c.Unknown || ev.line.id == "" || ev.line.id == c.FunctionID
}

// payload returns the event's, from the journal when it is not in memory.
func (q *Queue) payload(ev *event) ([]byte, error) {
	if ev.payload != nil {
		return ev.payload, nil
	}
	return q.journal.Payload(context.WithoutCancel(q.ctx), ev.id)
}

// closing reports whether a failure is that of hearth being stopped, and not
// the function's.
func (q *Queue) closing(err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.abandoned || q.draining && err != nil
}

// retry is for an event whose function failed.
func (q *Queue) retry(ev *event, config Config, outcome destination.Outcome) (verdict, destination.Outcome) {
	if ev.attempts > config.Retries {
		outcome.Condition = destination.RetriesExhausted
		return ended, outcome
	}
	return q.putOff(ev, config, outcome, retryDelay(ev.attempts))
}

// delay is for an event whose function could not be run.
func (q *Queue) delay(ev *event, config Config, outcome destination.Outcome, failure error) (verdict, destination.Outcome) {
	if !errors.Is(failure, hearth.ErrThrottled) {
		q.log(ev).Warn("run event", "error", failure)
	}
	d := backoff(ev.delays)
	ev.delays++
	return q.putOff(ev, config, outcome, d)
}

// putOff sets when an event is due again; one that would be too old then has
// ended.
func (q *Queue) putOff(ev *event, config Config, outcome destination.Outcome, d time.Duration) (verdict, destination.Outcome) {
	due := q.opts.Clock.Now().Add(d)
	if due.Sub(ev.accepted) > config.MaxAge {
		outcome.Condition = destination.EventAgeExceeded
		return ended, outcome
	}
	ev.due = due
	return again, outcome
}

// keep writes the state of an event that is due again.
func (q *Queue) keep(ev *event) {
	state, err := ev.encode()
	if err == nil {
		err = q.commit(journal.Op{Kind: journal.Set, ID: ev.id, State: state})
	}
	if err != nil { // it has its turn; a crash before the next write forgets this attempt
		q.log(ev).Error("write the state of an event", "error", err)
	}
}

// end writes that an event is done, together with the events that tell its
// destinations of it, which it returns.
func (q *Queue) end(ev *event, v verdict, outcome destination.Outcome) (told []*event) {
	ops := []journal.Op{{Kind: journal.Done, ID: ev.id}}
	if v == ended {
		told, ops = q.tell(ev, outcome, ops)
	}
	if err := q.commit(ops...); err != nil {
		q.log(ev).Error("write the end of an event; it will be run again after a restart", "error", err)
		return nil
	}
	return told
}

// tell returns the events for those functions that are to be told of an
// outcome, and the operations that add them. A function that is gone has taken
// with it whom it wanted to be told.
func (q *Queue) tell(ev *event, outcome destination.Outcome, ops []journal.Op) ([]*event, []journal.Op) {
	var told []*event
	config, there := q.config(ev)
	if !there {
		return nil, ops
	}
	deliveries, err := destination.Deliveries(outcome, config.Rules, q.opts.Clock.Now())
	if err != nil {
		q.log(ev).Error("tell the destinations of an event", "error", err)
	}
	for _, d := range deliveries {
		name, qualifier, ok := destination.FunctionTarget(d.Target)
		if !ok {
			q.undelivered(ev, d.Target)
			continue
		}
		of := owner{name, q.opts.Configs.Config(name, qualifier).FunctionID}
		follower := &event{
			id: q.opts.NewID(), qualifier: qualifier, trace: cmp.Or(ev.hop, ev.trace), accepted: q.opts.Clock.Now(),
			payload: d.Body, line: &line{owner: of},
		}
		op, err := follower.put()
		if err != nil {
			q.log(ev).Error("tell the destination of an event", "target", d.Target, "error", err)
			continue
		}
		told, ops = append(told, follower), append(ops, op)
	}
	return told, ops
}

func (q *Queue) undelivered(ev *event, target string) {
	q.log(ev).Error("the destination of an event cannot be reached: this version of hearth delivers to functions only", "target", target)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stats.Undelivered++
}

// commitAttempts and commitPause are for a store that is away for a moment.
const (
	commitAttempts = 5
	commitPause    = 200 * time.Millisecond
)

// commit writes to the journal, again when that fails.
func (q *Queue) commit(ops ...journal.Op) (err error) {
	for i := range commitAttempts {
		if i > 0 {
			<-time.After(commitPause)
		}
		err = q.journal.Commit(context.WithoutCancel(q.ctx), ops...)
		if err == nil || errors.Is(err, journal.ErrClosed) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("after %d attempts: %w", commitAttempts, err)
	}
	return nil
}
