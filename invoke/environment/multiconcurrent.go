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

// MultiConcurrent is an environment that takes several events at a time, as on AWS's
// managed instances.
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

	mu   sync.Mutex        // before Environment.mu
	uses map[*use]struct{} // not freed
	late int               // of uses, those whose time is over
	told bool              // of a failed init
}

// use is one event in a MultiConcurrent.
type use struct {
	invocation
	shared *MultiConcurrent
	late   bool // guarded by MultiConcurrent.mu
	freed  sync.Once
}

// OpenMultiConcurrent is Open for a function whose environments take up to MaxConcurrency
// events at a time. Function.Logging should be JSON, in which the lines of
// several events can be told apart.
func OpenMultiConcurrent(ctx context.Context, opts Options) (*MultiConcurrent, error) {
	s := &MultiConcurrent{maxConcurrency: opts.Function.MaxConcurrency(), uses: map[*use]struct{}{}}
	env, err := open(ctx, opts, s)
	if err != nil {
		return nil, err
	}
	s.env = env
	return s, nil
}

// beginSession, crashed and interrupted make it the environment's tenants.
func (s *MultiConcurrent) beginSession(server *runtimeapi.Server, extensions []string) *runtimeapi.Session {
	session := server.BeginMultiConcurrent(s.maxConcurrency, extensions...)
	s.session.Store(session)
	return session.Session
}

func (s *MultiConcurrent) crashed(v verdict) {
	undelivered := v
	undelivered.err = fmt.Errorf("%w: %s", ErrNotDelivered, v.message)
	s.endAll(func(u *use) verdict {
		if u.call.Delivered() {
			return v
		}
		return undelivered
	})
}

func (s *MultiConcurrent) interrupted() {
	s.endAll(func(u *use) verdict { return s.env.interruptedVerdict(u.call.Delivered()) })
}

// Init runs the init phase, as Environment.Init does. When it fails, those who
// were waiting for the environment are told why.
func (s *MultiConcurrent) Init() bool { return s.env.Init() }

// State returns where the environment is; Idle while it lives, however many
// events it has.
func (s *MultiConcurrent) State() State {
	state := s.env.State()
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == Broken && (s.told || s.env.initFailure() == nil) {
		return Dead
	}
	return state
}

// MemoryUsed is Environment.MemoryUsed.
func (s *MultiConcurrent) MemoryUsed() int { return s.env.MemoryUsed() }

// Freeze does nothing.
func (s *MultiConcurrent) Freeze() error { return nil }

// Close is Environment.Close for all events in progress.
func (s *MultiConcurrent) Close() error { return s.env.Close() }

// Begin gives the environment an event, as Environment.Begin does; it is free
// for another one when the function has answered this one, or its worker comes
// back late.
func (s *MultiConcurrent) Begin(inv *hearth.Invocation, free func()) (wait func() (hearth.Result, error)) {
	e := s.env
	if !e.enter() {
		free()
		return refuse(ErrDead)
	}
	u := &use{shared: s, invocation: invocation{
		env: e, inv: inv, free: free, settled: make(chan verdict, 1), done: make(chan struct{}), started: time.Now(),
	}}
	if err := s.begin(u); err != nil {
		free()
		e.wg.Done()
		return refuse(err)
	}
	if u.call == nil {
		free() // after a failed init
	}
	return func() (hearth.Result, error) {
		defer e.wg.Done()
		return s.await(u)
	}
}

// begin hands the event to the runtime, or settles it when the init failed.
func (s *MultiConcurrent) begin(u *use) error {
	e := s.env
	s.mu.Lock()
	defer s.mu.Unlock()
	switch failure := e.initFailure(); {
	case e.State() == Idle:
	case e.State() == Broken && failure != nil:
		s.told = true
		u.claim()
		u.settled <- *failure
		close(u.done)
		return nil
	default:
		return ErrDead
	}
	u.cold = e.takeInit()
	if u.inv.Stream != nil {
		u.inv.Stream.Executed(e.opts.Function.Version)
	}
	call, err := s.session.Load().Invoke(u.inv, e.timeout(), u)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	u.call, u.timer = call, time.AfterFunc(e.timeout(), func() { s.expire(u) })
	s.uses[u] = struct{}{}
	e.wg.Add(1) // until release; enter's count keeps Wait from seeing zero
	return nil
}

// await returns how the event went, when its log is complete.
func (s *MultiConcurrent) await(u *use) (hearth.Result, error) {
	e := s.env
	if u.call == nil {
		return e.answer(&u.invocation, <-u.settled)
	}
	select {
	case resp := <-u.call.Response():
		<-u.done
		if resp.Refused {
			return e.answer(&u.invocation, refusedVerdict(resp.ErrorType))
		}
		res := hearth.Result{Payload: resp.Payload, ContentType: resp.ContentType}
		if resp.Failed {
			res.FunctionError = hearth.Unhandled
		}
		return e.result(&u.invocation, res), nil
	case v := <-u.settled:
		<-u.done
		return e.answer(&u.invocation, v)
	}
}

// RuntimeDone is not called: no extension works on the events. With Done, and an
// invocation's Delivered, it makes a use its call's runtimeapi.Progress.
func (u *use) RuntimeDone(*runtimeapi.Call) {}

// Done ends the event: it is answered, or its worker came back late.
func (u *use) Done(c *runtimeapi.Call) {
	s := u.shared
	if u.claim() {
		s.record(u, answerVerdict(c))
		s.release(u)
		close(u.done)
		return
	}
	<-u.done
	s.release(u)
}

// expire answers an event that runs too long. Its worker keeps its place until
// it comes back; an environment with nothing but such workers is of no use.
func (s *MultiConcurrent) expire(u *use) {
	if !u.claim() {
		return
	}
	v := timeoutVerdict(s.env.opts.Function.Timeout)
	u.settled <- v
	call := s.record(u, v)
	unhanded := s.session.Load().Expire(call)
	s.mu.Lock()
	if _, ours := s.uses[u]; ours && !unhanded {
		u.late = true
		s.late++
	}
	stuck := s.late >= s.maxConcurrency
	s.mu.Unlock()
	if unhanded {
		s.release(u)
	}
	close(u.done)
	if stuck && s.env.enter() {
		defer s.env.wg.Done()
		s.abandon()
	}
}

// abandon ends an environment whose workers are all late.
func (s *MultiConcurrent) abandon() {
	e := s.env
	e.mu.Lock()
	if e.state != Idle {
		e.mu.Unlock()
		return
	}
	e.state = Dead
	r := e.run
	e.mu.Unlock()
	e.stopRun(r, reasonTimeout)
	s.interrupted()
}

// record writes the end of an event's log, and returns its call.
func (s *MultiConcurrent) record(u *use, v verdict) *runtimeapi.Call {
	e := s.env
	s.mu.Lock() // until begin is through
	timer, call := u.timer, u.call
	s.mu.Unlock()
	timer.Stop()
	if !v.shows(call) {
		return call
	}
	if u.inv.Tail {
		e.drainCurrent() // without a tail the lines of several events come as they come
	}
	took, note := e.elapsed(&u.invocation, v), ""
	if v.status == hearth.StatusTimeout {
		note = time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + u.inv.RequestID + " " + v.message
	}
	e.reportRuntime(&u.invocation, v, call, took)
	e.record(&hearth.PlatformEvent{
		Kind: hearth.EventReport, RequestID: u.inv.RequestID, TraceID: u.inv.TraceID, TenantID: u.inv.TenantID,
		Status: v.status, ErrorType: v.errorType, Duration: took, InitDuration: u.cold,
		MemorySize: e.opts.Function.MemorySize, MaxMemoryUsed: e.memory.peakMB(e.box, u.cold > 0), Note: note,
	})
	u.tail = e.opts.Recorder.CutTail(u.inv.Tail)
	return call
}

// release gives the place of an event back.
func (s *MultiConcurrent) release(u *use) {
	u.freed.Do(func() {
		s.mu.Lock()
		delete(s.uses, u)
		if u.late {
			s.late--
		}
		s.mu.Unlock()
		u.free()
		s.env.wg.Done()
	})
}

// endAll ends every event. Nothing may begin any more.
func (s *MultiConcurrent) endAll(how func(u *use) verdict) {
	session := s.session.Load()
	if session == nil {
		return // closed before its init
	}
	s.mu.Lock()
	uses := make([]*use, 0, len(s.uses))
	for u := range s.uses {
		uses = append(uses, u)
	}
	s.mu.Unlock()
	session.End()
	for _, u := range uses {
		if !u.claim() {
			<-u.done
			s.release(u)
			continue
		}
		v := how(u)
		u.settled <- v
		s.record(u, v)
		s.release(u)
		close(u.done)
	}
}
