package environment

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// invocation is one event in progress. Whoever claims it ends it: the poll
// that follows the answer, the timer, the watcher of the process, or Close.
type invocation struct {
	inv     *hearth.Invocation
	free    func()
	started time.Time
	cold    time.Duration // of the init phase that this invocation is the first after
	timer   *time.Timer
	run     *run
	call    *runtimeapi.Call // guarded by Environment.mu until handed over

	claimed atomic.Bool
	settled chan verdict  // what the platform answers in the runtime's place; one at most
	done    chan struct{} // closed when the log of the invocation is complete
	tail    []byte        // valid after done
	bytes   atomic.Int64  // of the runtime's answer
	refused atomic.Pointer[verdict]
}

func (a *invocation) claim() bool { return a.claimed.CompareAndSwap(false, true) }

// Invoke gives the environment an event and returns the function's answer, or
// the platform's in its place. The errors are ErrNotDelivered, ErrBusy,
// ErrDead and faults of the host.
//
// free is called once, unless the error is ErrBusy: from then on the
// environment can be invoked again or, when its State is Dead, must be closed.
// That may be before or after Invoke returns.
func (e *Environment) Invoke(inv *hearth.Invocation, free func()) (hearth.Result, error) {
	a, r, err := e.begin(inv, free)
	if err != nil {
		if !errors.Is(err, ErrBusy) {
			free()
		}
		return hearth.Result{}, err
	}
	if err := e.thaw(); err != nil {
		a.claim()
		e.fail(a, verdict{status: hearth.StatusError, errorType: "Sandbox.Failure", err: err})
		return e.answer(a, <-a.settled)
	}
	timeout := time.Duration(e.opts.Function.Timeout) * time.Second
	if r == nil {
		if r = e.restart(a, timeout); r == nil {
			return e.answer(a, <-a.settled)
		}
	}
	e.record(&hearth.PlatformEvent{Kind: hearth.EventStart, RequestID: inv.RequestID, TraceID: inv.TraceID})
	if !e.handOver(a, r, timeout-time.Since(a.started)) {
		return e.answer(a, <-a.settled)
	}
	select {
	case resp := <-a.call.Response():
		return e.respond(a, resp)
	case v := <-a.settled:
		select {
		case resp := <-a.call.Response(): // the runtime was first after all
			return e.respond(a, resp)
		default:
			return e.answer(a, v)
		}
	}
}

// begin takes the environment for an invocation. The run it returns is nil
// when the runtime has to be started first.
func (e *Environment) begin(inv *hearth.Invocation, free func()) (*invocation, *run, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var r *run
	switch e.state {
	case Idle:
		r = e.run
	case Broken:
	case Dead:
		return nil, nil, ErrDead
	default:
		return nil, nil, fmt.Errorf("%w: %s", ErrBusy, e.state)
	}
	a := &invocation{
		inv: inv, free: free, started: time.Now(), cold: e.initTook, run: r,
		settled: make(chan verdict, 1), done: make(chan struct{}),
	}
	e.state, e.active, e.initTook = Busy, a, 0
	return a, r, nil
}

// restart runs the suppressed init. It returns nil when it failed; the
// invocation has then been settled.
func (e *Environment) restart(a *invocation, budget time.Duration) *run {
	r, v := e.initialize(hearth.PhaseInvoke, budget)
	if r != nil {
		a.run = r
		return r
	}
	if a.claim() {
		e.record(&hearth.PlatformEvent{Kind: hearth.EventStart, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID})
		a.settled <- v
		e.end(a, v, Broken)
	}
	return nil
}

// handOver gives the event to the runtime's poll and arms the time-out.
func (e *Environment) handOver(a *invocation, r *run, timeout time.Duration) bool {
	e.mu.Lock()
	var err error
	if r.dead || e.closed {
		err = ErrNotDelivered
	} else {
		// Armed first: the runtime may be done before Invoke returns.
		a.timer = time.AfterFunc(timeout, func() { e.expire(a) })
		a.call, err = r.session.Invoke(a.inv, timeout, func() { e.complete(a) })
	}
	e.mu.Unlock()
	if err == nil {
		return true
	}
	if a.claim() {
		e.fail(a, verdict{status: hearth.StatusError, errorType: "Runtime.ExitError", err: fmt.Errorf("%w: %w", ErrNotDelivered, err)})
	}
	return false
}

// respond turns what the runtime sent into the caller's result.
func (e *Environment) respond(a *invocation, resp runtimeapi.Response) (hearth.Result, error) {
	if resp.Refused {
		v := refusedVerdict(resp.ErrorType)
		if v.reset {
			if a.claim() {
				e.fail(a, v)
			}
		} else {
			a.refused.Store(&v)
		}
		return e.answer(a, v)
	}
	a.bytes.Store(int64(len(resp.Payload)))
	res := hearth.Result{Payload: resp.Payload, ContentType: resp.ContentType}
	if resp.Failed {
		res.FunctionError = hearth.Unhandled
	}
	return e.result(a, res), nil
}

// answer is what the platform says in the runtime's place.
func (e *Environment) answer(a *invocation, v verdict) (hearth.Result, error) {
	if v.err != nil {
		return hearth.Result{}, v.err
	}
	return e.result(a, hearth.Result{
		Payload: v.body(a.inv.RequestID), FunctionError: hearth.Unhandled, ErrorType: v.errorType,
	}), nil
}

func (e *Environment) result(a *invocation, res hearth.Result) hearth.Result {
	res.ExecutedVersion = e.opts.Function.Version
	if a.inv.Tail {
		<-a.done // the tail has the END and REPORT lines
		res.LogTail = a.tail
	}
	res.Duration, res.Init = time.Since(a.started), a.cold
	return res
}

// complete ends an invocation whose runtime is back at /next.
func (e *Environment) complete(a *invocation) {
	if !a.claim() {
		return
	}
	a.timer.Stop()
	a.run.drain()
	v := verdict{status: hearth.StatusSuccess}
	if refused := a.refused.Load(); refused != nil {
		v = *refused
	}
	e.end(a, v, Idle)
}

// expire ends an invocation that ran too long.
func (e *Environment) expire(a *invocation) {
	if !a.claim() {
		return
	}
	if e.enter() {
		defer e.wg.Done()
	}
	v := timeoutVerdict(e.opts.Function.Timeout)
	v.note = fmt.Sprintf("%s %s Task timed out after %d.00 seconds",
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), a.inv.RequestID, e.opts.Function.Timeout)
	e.fail(a, v)
}

// fail answers the caller, resets the environment and ends the invocation.
// The caller has claimed it.
func (e *Environment) fail(a *invocation, v verdict) {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.settled <- v
	e.mu.Lock()
	r := e.run
	e.run = nil
	e.mu.Unlock()
	if r != nil {
		e.stopRun(r)
	}
	e.end(a, v, Broken)
}

// end writes the end of an invocation's log and gives the environment back.
func (e *Environment) end(a *invocation, v verdict, next State) {
	took := time.Since(a.started)
	if v.status == hearth.StatusTimeout {
		took = time.Duration(e.opts.Function.Timeout) * time.Second // as AWS says it
	}
	e.record(&hearth.PlatformEvent{
		Kind: hearth.EventRuntimeDone, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID,
		Status: v.status, ErrorType: v.errorType, Duration: took, ProducedBytes: a.bytes.Load(),
	})
	e.record(&hearth.PlatformEvent{
		Kind: hearth.EventReport, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID,
		Status: v.status, ErrorType: v.errorType, Duration: took, InitDuration: a.cold,
		MemorySize:    e.opts.Function.MemorySize,
		MaxMemoryUsed: e.memory.peakMB(e.box, next != Idle || a.cold > 0), Note: v.note,
	})
	a.tail = e.opts.Recorder.CutTail(a.inv.Tail)
	e.mu.Lock()
	e.active = nil
	switch {
	case e.state == Dead:
	case next == Idle && a.run.dead:
		e.state = Broken // it ended after its answer, before this line
	default:
		e.state = next
	}
	e.mu.Unlock()
	close(a.done)
	a.free()
}

func (e *Environment) record(ev *hearth.PlatformEvent) {
	ev.Time = time.Now()
	e.opts.Recorder.Record(ev)
}
