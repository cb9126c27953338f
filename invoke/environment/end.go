package environment

import (
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// Delivered begins the log of an invocation whose event the runtime is about to
// get. With RuntimeDone and Done it makes the invocation its call's
// runtimeapi.Progress.
func (a *invocation) Delivered(*runtimeapi.Call) { a.begun() }

// begun writes START, once.
func (a *invocation) begun() {
	a.shown.Do(func() {
		a.env.record(&hearth.PlatformEvent{
			Kind: hearth.EventStart, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID, TenantID: a.inv.TenantID, ARN: a.inv.InvokedARN,
		})
	})
}

// shows reports whether the log has the invocation: a runtime can have seen the
// event, or its caller gets the platform's word for what became of it. An event
// that goes on to another environment begins there.
func (v *verdict) shows(call *runtimeapi.Call) bool {
	return v.err == nil || call != nil && call.Delivered()
}

// RuntimeDone ends the runtime's part of an invocation that extensions work on
// still.
func (a *invocation) RuntimeDone(c *runtimeapi.Call) {
	e := a.env
	v := answerVerdict(c)
	if v.reset {
		e.complete(a, v)
		return
	}
	e.drain(a.run)
	e.reportRuntime(a, v, c, time.Since(a.started))
}

// Done ends the invocation.
func (a *invocation) Done(c *runtimeapi.Call) { a.env.complete(a, answerVerdict(c)) }

// answerVerdict is how an invocation went whose runtime is back at /next.
func answerVerdict(c *runtimeapi.Call) verdict {
	if resp, _ := c.Answer(); resp.Refused {
		return refusedVerdict(resp.ErrorType)
	}
	return verdict{status: hearth.StatusSuccess}
}

// complete ends an invocation that everybody is back from.
func (e *Environment) complete(a *invocation, v verdict) {
	if !a.claim() {
		return
	}
	e.drain(a.run)
	if v.reset {
		e.fail(a, v)
		return
	}
	e.end(a, v, Idle)
}

// expire ends an invocation that ran too long.
func (e *Environment) expire(a *invocation) {
	if a.claim() {
		e.fail(a, timeoutVerdict(e.opts.Function.Timeout))
	}
}

// fail answers the caller, resets the environment and ends the invocation.
// The caller has claimed it.
func (e *Environment) fail(a *invocation, v verdict) {
	a.took = e.elapsed(a, v)
	a.settled <- v
	if r := e.takeRun(); r != nil {
		if len(r.session.Extensions()) > 0 { // they see the end of the runtime before their own
			e.drain(r)
			if call := e.callOf(a); v.shows(call) {
				e.reportRuntime(a, v, call, a.took)
			}
		}
		if !v.fault {
			e.maxMemoryUsed(true) // what is resident goes with the processes
		}
		e.stopRun(r, v.reason())
	}
	e.end(a, v, Broken)
}

// elapsed is what an invocation took that failed now.
func (e *Environment) elapsed(a *invocation, v verdict) time.Duration {
	if v.status == hearth.StatusTimeout {
		return e.timeout() // as AWS says it
	}
	return time.Since(a.started)
}

// end writes the end of an invocation's log and gives the environment back.
func (e *Environment) end(a *invocation, v verdict, next State) {
	took := a.took
	if next == Idle {
		took = time.Since(a.started)
	}
	call := e.disarm(a)
	if v.shows(call) {
		e.report(a, v, call, took, next)
	}
	a.tail = e.opts.Recorder.CutTail(a.inv.Tail)
	e.mu.Lock()
	e.active = nil
	if next == Idle && a.run.state != runUp {
		next = Broken // a process ended after the answer, before this line
	}
	e.toLocked(next)
	e.mu.Unlock()
	close(a.done)
	a.free()
	e.wg.Done()
}

// report writes what the log of an invocation ends with.
func (e *Environment) report(a *invocation, v verdict, call *runtimeapi.Call, took time.Duration, next State) {
	note := ""
	if v.status == hearth.StatusTimeout {
		note = time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + a.inv.RequestID + " " + v.message
	}
	e.reportRuntime(a, v, call, took)
	if v.fault {
		e.record(&hearth.PlatformEvent{Kind: hearth.EventFault, RequestID: a.inv.RequestID, Status: v.status, ErrorType: v.errorType})
	}
	e.record(&hearth.PlatformEvent{
		Kind: hearth.EventReport, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID, TenantID: a.inv.TenantID,
		Status: v.status, ErrorType: v.errorType, Duration: took, InitDuration: a.cold,
		MemorySize:    e.opts.Function.MemorySize,
		MaxMemoryUsed: e.maxMemoryUsed(next != Idle || a.cold > 0), Note: note,
		Spans: a.reportSpans(call),
	})
}

// reportRuntime says that the runtime's part of an invocation is over; only the
// first one counts. call is nil when the event was not handed over.
func (e *Environment) reportRuntime(a *invocation, v verdict, call *runtimeapi.Call, took time.Duration) {
	a.begun()
	a.reported.Do(func() {
		ev := &hearth.PlatformEvent{
			Kind: hearth.EventRuntimeDone, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID, TenantID: a.inv.TenantID,
			Status: v.status, ErrorType: v.errorType, Duration: took,
		}
		if call != nil {
			answer, _ := call.Answer()
			ev.ProducedBytes = int64(len(answer.Payload)) + answer.Streamed
			ev.Spans = a.runtimeSpans(call)
		}
		e.record(ev)
	})
}

// runtimeSpans are the parts of the runtime's time, as far as it came.
func (a *invocation) runtimeSpans(c *runtimeapi.Call) []hearth.Span {
	t := c.Times()
	spans := a.spans[:0:3]
	for _, part := range [3]struct {
		name     string
		from, to time.Time
	}{
		{"responseLatency", t.Delivered, t.Responding},
		{"responseDuration", t.Responding, t.Responded},
		{"runtimeOverhead", t.Responded, t.Returned},
	} {
		if part.from.IsZero() || part.to.IsZero() {
			break
		}
		spans = append(spans, hearth.Span{Name: part.name, Start: part.from, Duration: part.to.Sub(part.from)})
	}
	return spans
}

// reportSpans is the time that extensions took after the runtime.
func (a *invocation) reportSpans(c *runtimeapi.Call) []hearth.Span {
	if c == nil || !c.WithExtensions() {
		return nil
	}
	from := c.Times().Returned
	if from.IsZero() {
		return nil
	}
	return append(a.spans[3:3:4], hearth.Span{Name: "extensionOverhead", Start: from, Duration: time.Since(from)})
}

// callOf is the call of an invocation; nil before the hand-over.
func (e *Environment) callOf(a *invocation) *runtimeapi.Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return a.call
}

// disarm stops the time-out of an invocation, if it has one already, and
// returns its call.
func (e *Environment) disarm(a *invocation) *runtimeapi.Call {
	e.mu.Lock()
	timer, call := a.timer, a.call
	e.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	return call
}

func (e *Environment) record(ev *hearth.PlatformEvent) {
	ev.Time = time.Now()
	e.opts.Recorder.Record(ev)
}
