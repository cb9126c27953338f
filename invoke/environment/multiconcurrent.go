package environment

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// MultiConcurrent is a multi-concurrent environment: it takes several events at a
// time. Those of functions on managed instances do.
//
//	New ──► Init ──┬── ok ────► Idle ──── crash, or every worker late ────► Dead
//	               └─ failed ─► Broken ── told to who came for it ────────► Dead
//
// Its events are apart from each other: one that runs too long is answered by
// the platform and goes on in its worker, whose late answer is refused; the end
// of a worker that is not the runtime's first process is the runtime's business.
// What ends the environment ends all of its events. It is never frozen or reset.
type MultiConcurrent struct {
	env            *Environment
	maxConcurrency int

	session atomic.Pointer[runtimeapi.MultiConcurrent]

	mu          sync.Mutex                         // before Environment.mu
	invocations map[*concurrentInvocation]struct{} // not freed
	late        int                                // of invocations, how many are late
	told        bool                               // of a failed init
}

// concurrentInvocation is an invocation beside others, in a MultiConcurrent.
type concurrentInvocation struct {
	invocation
	owner *MultiConcurrent
	late  bool // its time is over, and its worker is not back; guarded by MultiConcurrent.mu
	freed sync.Once
}

// OpenMultiConcurrent is Open for a function on managed instances: its environment
// takes up to Function.MaxConcurrency events at a time. Function.Logging should be
// JSON, in which the lines of several events can be told apart.
func OpenMultiConcurrent(ctx context.Context, opts Options) (*MultiConcurrent, error) {
	m := &MultiConcurrent{maxConcurrency: opts.Function.MaxConcurrency(), invocations: map[*concurrentInvocation]struct{}{}}
	env, err := open(ctx, opts, m)
	if err != nil {
		return nil, err
	}
	m.env = env
	return m, nil
}

// beginSession begins the session of a run.
func (m *MultiConcurrent) beginSession() *runtimeapi.Session {
	session := m.env.server.BeginMultiConcurrent(m.maxConcurrency, m.env.extensions...)
	m.session.Store(session)
	return session.Session
}

// crashed ends the events in progress: a process has ended, as v says.
func (m *MultiConcurrent) crashed(v verdict) {
	undelivered := v
	undelivered.err = fmt.Errorf("%w: %s", ErrNotDelivered, v.message)
	m.endAll(func(a *concurrentInvocation) verdict {
		if a.call.Delivered() {
			return v
		}
		return undelivered
	})
}

// interrupted ends the events in progress: no process runs any more.
func (m *MultiConcurrent) interrupted() {
	m.endAll(func(a *concurrentInvocation) verdict { return m.env.interruptedVerdict(a.call.Delivered()) })
}

// Init runs the init phase, as Environment.Init does. When it fails, those who
// were waiting for the environment are told why.
func (m *MultiConcurrent) Init() bool { return m.env.Init() }

// State returns where the environment is; Idle while it lives, however many
// events it has. It does not wait for an event that is being handed to the runtime:
// Begin, which has the mutex meanwhile, hands none to a Broken environment.
func (m *MultiConcurrent) State() State {
	state := m.env.State()
	if state != Broken {
		return state
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told || m.env.failureOfInit() == nil {
		return Dead
	}
	return Broken
}

// MemoryUsed is Environment.MemoryUsed.
func (m *MultiConcurrent) MemoryUsed() int { return m.env.MemoryUsed() }

// Freeze does nothing.
func (m *MultiConcurrent) Freeze() error { return nil }

// Close is Environment.Close for all events in progress.
func (m *MultiConcurrent) Close() error { return m.env.Close() }

// Begin gives the environment an event, as Environment.Begin does; it is free
// for another one when the function has answered this one, or its worker comes
// back late.
func (m *MultiConcurrent) Begin(inv *hearth.Invocation, free func()) (wait func() (hearth.Result, error)) {
	e := m.env
	if !e.enter() {
		free()
		return refuse(ErrDead)
	}
	a := &concurrentInvocation{owner: m, invocation: invocation{
		env: e, inv: inv, free: free, settled: make(chan verdict, 1), done: make(chan struct{}), started: time.Now(),
	}}
	if err := m.begin(a); err != nil {
		free()
		e.wg.Done()
		return refuse(err)
	}
	if a.call == nil {
		free() // after a failed init
	}
	return func() (hearth.Result, error) {
		defer e.wg.Done()
		return m.await(a)
	}
}

// begin hands the event to the runtime, or settles it when the init failed.
func (m *MultiConcurrent) begin(a *concurrentInvocation) error {
	e := m.env
	m.mu.Lock()
	defer m.mu.Unlock()
	switch failure := e.failureOfInit(); {
	case e.State() == Idle:
	case e.State() == Broken && failure != nil:
		m.told = true
		a.claim()
		a.settled <- *failure
		close(a.done)
		return nil
	default:
		return ErrDead
	}
	a.cold = e.takeInit()
	if a.inv.Stream != nil {
		a.inv.Stream.Executed(e.opts.Function.Version)
	}
	call, err := m.session.Load().Invoke(a.inv, e.timeout(), a)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	a.call, a.timer = call, time.AfterFunc(e.timeout(), func() { m.expire(a) })
	m.invocations[a] = struct{}{}
	e.wg.Add(1) // until release; enter's count keeps Wait from seeing zero
	return nil
}

// await returns how the event went, when its log is complete.
func (m *MultiConcurrent) await(a *concurrentInvocation) (hearth.Result, error) {
	e := m.env
	if a.call == nil {
		return e.answer(&a.invocation, <-a.settled)
	}
	select {
	case resp := <-a.call.Response():
		<-a.done
		if resp.Refused {
			return e.answer(&a.invocation, refusedVerdict(resp.ErrorType))
		}
		res := hearth.Result{Payload: resp.Payload, ContentType: resp.ContentType}
		if resp.Failed {
			res.FunctionError = hearth.Unhandled
		}
		return e.result(&a.invocation, res), nil
	case v := <-a.settled:
		<-a.done
		return e.answer(&a.invocation, v)
	}
}

// RuntimeDone is not called: no extension works on the events. With Done, and an
// invocation's Delivered, it makes a concurrentInvocation its
// call's runtimeapi.Progress.
func (a *concurrentInvocation) RuntimeDone(*runtimeapi.Call) {}

// Done ends the event: it is answered, or its worker came back late.
func (a *concurrentInvocation) Done(c *runtimeapi.Call) {
	m := a.owner
	if a.claim() {
		m.record(a, answerVerdict(c))
		m.release(a)
		close(a.done)
		return
	}
	<-a.done
	m.release(a)
}

// expire answers an event that runs too long. Its worker keeps its place until
// it comes back; an environment with nothing but such workers is of no use.
func (m *MultiConcurrent) expire(a *concurrentInvocation) {
	if !a.claim() {
		return
	}
	v := timeoutVerdict(m.env.opts.Function.Timeout)
	a.settled <- v
	call := m.record(a, v)
	unhanded := m.session.Load().Expire(call)
	m.mu.Lock()
	if _, ours := m.invocations[a]; ours && !unhanded {
		a.late = true
		m.late++
	}
	stuck := m.late >= m.maxConcurrency
	m.mu.Unlock()
	if unhanded {
		m.release(a)
	}
	close(a.done)
	if stuck && m.env.enter() {
		defer m.env.wg.Done()
		m.abandon()
	}
}

// abandon ends an environment whose workers are all late.
func (m *MultiConcurrent) abandon() {
	e := m.env
	e.mu.Lock()
	ours, r := e.state == Idle && e.toLocked(Dead), e.run
	e.mu.Unlock()
	if !ours {
		return
	}
	e.stopRun(r, reasonTimeout)
	m.interrupted()
}

// record writes the end of an event's log, and returns its call.
func (m *MultiConcurrent) record(a *concurrentInvocation, v verdict) *runtimeapi.Call {
	e := m.env
	m.mu.Lock() // until begin is through
	timer, call := a.timer, a.call
	m.mu.Unlock()
	timer.Stop()
	if !v.shows(call) {
		return call
	}
	if a.inv.Tail {
		e.drainCurrent() // without a tail the lines of several events come as they come
	}
	took, note := e.elapsed(&a.invocation, v), ""
	if v.status == hearth.StatusTimeout {
		note = time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + a.inv.RequestID + " " + v.message
	}
	e.reportRuntime(&a.invocation, v, call, took)
	e.record(&hearth.PlatformEvent{
		Kind: hearth.EventReport, RequestID: a.inv.RequestID, TraceID: a.inv.TraceID, TenantID: a.inv.TenantID,
		Status: v.status, ErrorType: v.errorType, Duration: took, InitDuration: a.cold,
		MemorySize: e.opts.Function.MemorySize, MaxMemoryUsed: e.maxMemoryUsed(a.cold > 0), Note: note,
	})
	a.tail = e.opts.Recorder.CutTail(a.inv.Tail)
	return call
}

// release gives the place of an event back.
func (m *MultiConcurrent) release(a *concurrentInvocation) {
	a.freed.Do(func() {
		m.mu.Lock()
		delete(m.invocations, a)
		if a.late {
			m.late--
		}
		m.mu.Unlock()
		a.free()
		m.env.wg.Done()
	})
}

// endAll ends every event. Nothing may begin any more.
func (m *MultiConcurrent) endAll(how func(a *concurrentInvocation) verdict) {
	session := m.session.Load()
	if session == nil {
		return // closed before its init
	}
	m.mu.Lock()
	invocations := make([]*concurrentInvocation, 0, len(m.invocations))
	for a := range m.invocations {
		invocations = append(invocations, a)
	}
	m.mu.Unlock()
	session.End()
	for _, a := range invocations {
		if !a.claim() {
			<-a.done
			m.release(a)
			continue
		}
		v := how(a)
		a.settled <- v
		m.record(a, v)
		m.release(a)
		close(a.done)
	}
}
