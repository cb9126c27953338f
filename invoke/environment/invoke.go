package environment

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// invocation is one event in progress. Whoever claims it ends it: its Begin or
// wait up to the hand-over, and then the poll that follows the answer, the timer,
// the watcher of the process or of the sandbox, or Close.
type invocation struct {
	env     *Environment
	inv     *hearth.Invocation
	free    func()
	started time.Time
	cold    time.Duration // of the init phase that this invocation is the first after
	run     *run

	// Guarded by Environment.mu; nil until the hand-over.
	timer *time.Timer
	call  *runtimeapi.Call

	claimed atomic.Bool
	settled chan verdict  // what the platform answers in the runtime's place; one at most
	done    chan struct{} // closed when the log of the invocation is complete
	tail    []byte        // valid after done

	shown    sync.Once      // START
	reported sync.Once      // the end of the runtime's part
	took     time.Duration  // of an invocation that failed, up to then
	spans    [4]hearth.Span // room for those of its events
}

func (a *invocation) claim() bool { return a.claimed.CompareAndSwap(false, true) }

// Begin gives the environment an event. The wait that it returns must be called
// once; it returns the function's answer, or the platform's in its place. The
// errors are ErrNotDelivered, ErrBusy, ErrDead, ErrInterrupted and faults of
// the host.
//
// Begin itself does not block: an idle environment's runtime gets the event
// from the calling goroutine, and whatever takes longer, such as starting the
// runtime again, is left to wait.
//
// free is called once, unless the error is ErrBusy: from then on the
// environment can be given the next event or, when its State is Dead, must be
// closed. That may be before or after wait returns, and on any goroutine. free
// must not call Close, which waits for it.
func (e *Environment) Begin(inv *hearth.Invocation, free func()) (wait func() (hearth.Result, error)) {
	if !e.enter() {
		free()
		return refuse(ErrDead)
	}
	a, r, ready, err := e.begin(inv, free)
	if err != nil {
		if !errors.Is(err, ErrBusy) {
			free()
		}
		e.wg.Done()
		return refuse(err)
	}
	if ready {
		e.deliver(a, r)
	}
	return func() (hearth.Result, error) {
		defer e.wg.Done()
		if !ready {
			e.wake(a, r)
		}
		return e.await(a)
	}
}

func refuse(err error) func() (hearth.Result, error) {
	return func() (hearth.Result, error) { return hearth.Result{}, err }
}

// wake brings the runtime to where it can take the event, and delivers it. When
// it cannot, the invocation has been settled.
func (e *Environment) wake(a *invocation, r *run) {
	if err := e.thaw(); err != nil {
		a.claim()
		e.fail(a, e.unlessDead(hostVerdict(err)))
		return
	}
	if r == nil {
		if old := e.takeRun(); old != nil {
			e.stopRun(old, reasonFailure) // on its way; it is not this invocation's time
			a.started = time.Now()
		}
		if r = e.restart(a); r == nil {
			return
		}
	}
	e.deliver(a, r)
}

// deliver hands the event to the runtime, in what is left of the function's
// time. When it cannot, the invocation has been settled.
func (e *Environment) deliver(a *invocation, r *run) {
	if a.inv.Stream != nil {
		a.inv.Stream.Executed(e.opts.Function.Version)
	}
	e.handOver(a, r, e.timeout()-time.Since(a.started))
}

func (e *Environment) timeout() time.Duration {
	return time.Duration(e.opts.Function.Timeout) * time.Second
}

// await returns how the invocation went.
func (e *Environment) await(a *invocation) (hearth.Result, error) {
	if a.call == nil { // never handed over
		return e.answer(a, <-a.settled)
	}
	select {
	case resp := <-a.call.Response():
		return e.respond(a, resp)
	case v := <-a.settled:
		return e.settle(a, v)
	}
}

// settle answers the caller when the platform has ended the invocation. The
// runtime may have been first after all; but an upload that ended with its
// process is no answer.
func (e *Environment) settle(a *invocation, v verdict) (hearth.Result, error) {
	if a.inv.Stream != nil {
		awaitStreamed(a.call)
	}
	if resp, ok := a.call.Answer(); ok && (!resp.Refused || resp.ErrorType != truncated) {
		return e.respond(a, resp)
	}
	return e.answer(a, v)
}

// awaitStreamed waits until what the runtime wrote before it was killed is in
// the stream. A caller that does not take it in time does not get it.
func awaitStreamed(call *runtimeapi.Call) {
	grace := time.NewTimer(streamGrace)
	defer grace.Stop()
	select {
	case <-call.Response(): // settle finds it in call.Answer
	case <-grace.C:
	}
}

const streamGrace = time.Second

// begin takes the environment for an invocation. The run it returns is nil when
// the runtime has to be started first; ready says that the runtime can take the
// event now.
func (e *Environment) begin(inv *hearth.Invocation, free func()) (a *invocation, r *run, ready bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.state {
	case Idle:
		r = e.run
	case Broken:
	case Dead:
		return nil, nil, false, ErrDead
	default:
		return nil, nil, false, fmt.Errorf("%w: %s", ErrBusy, e.state)
	}
	a = &invocation{
		env: e, inv: inv, free: free, started: time.Now(), cold: e.initTook, run: r,
		settled: make(chan verdict, 1), done: make(chan struct{}),
	}
	e.toLocked(Busy)
	e.active, e.initTook = a, 0
	e.wg.Add(1) // until end has freed it; enter's count keeps Wait from seeing zero
	return a, r, r != nil && !e.frozen, nil
}

// restart runs the suppressed init. It returns nil when it failed; the
// invocation has then been settled.
func (e *Environment) restart(a *invocation) *run {
	r, v := e.initialize(hearth.PhaseInvoke, e.timeout())
	if v.status == hearth.StatusSuccess {
		a.run = r
		return r
	}
	a.claim() // nobody else can have: there was no hand-over
	a.took = e.elapsed(a, v)
	a.settled <- v
	if v.err == nil {
		a.begun()
	}
	if r != nil {
		e.stopRun(r, v.reason())
	}
	e.end(a, v, Broken)
	return nil
}

// handOver gives the event to the runtime's poll and arms the time-out. When it
// cannot, the invocation has been settled.
func (e *Environment) handOver(a *invocation, r *run, timeout time.Duration) {
	if err := e.handOverCall(a, r, timeout); err != nil && a.claim() {
		e.fail(a, verdict{status: hearth.StatusError, errorType: "Runtime.ExitError", err: err})
	}
}

func (e *Environment) handOverCall(a *invocation, r *run, timeout time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.state == Dead:
		return ErrDead
	case r.state != runUp:
		return fmt.Errorf("%w: the runtime has ended", ErrNotDelivered)
	}
	call, err := r.session.Invoke(a.inv, timeout, a)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	// Whoever needs these before they are set waits for mu.
	a.call, a.timer = call, time.AfterFunc(timeout, func() { e.expire(a) })
	return nil
}

// respond turns what the runtime sent into the caller's result.
func (e *Environment) respond(a *invocation, resp runtimeapi.Response) (hearth.Result, error) {
	if resp.Refused {
		v := refusedVerdict(resp.ErrorType)
		if v.reset {
			v = e.unlessExited(a.run, v)
			if a.claim() {
				e.fail(a, v)
			} else {
				v = <-a.settled // the upload was cut by what ended the invocation
			}
		}
		return e.answer(a, v)
	}
	res := hearth.Result{Payload: resp.Payload, ContentType: resp.ContentType}
	if resp.Failed {
		res.FunctionError = hearth.Unhandled
	}
	return e.result(a, res), nil
}

// unlessExited returns v, or how the runtime ended when that is why its answer
// broke off: the connection is seen to break a moment before the process is seen
// to end.
func (e *Environment) unlessExited(r *run, v verdict) verdict {
	grace := time.NewTimer(exitGrace)
	defer grace.Stop()
	select {
	case <-r.down:
		return e.failureOf(r)
	case <-grace.C:
		return v
	}
}

// exitGrace is how long a runtime that broke off its answer may take to end.
const exitGrace = 100 * time.Millisecond

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
