package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// host opens fake environments. What it is set to may be changed while no
// environment is being opened or invoked.
type host struct {
	t *testing.T

	openErr  func(fn *hearth.Function) error
	init     time.Duration // of every environment
	initDies bool          // the sandbox does not survive the init phase
	// Of those that are provisioned: how much longer the init phase takes, and, unless
	// New, the state that it ends in.
	initAhead time.Duration
	aheadIs   environment.State
	work      time.Duration // until the answer
	linger    time.Duration // from the answer until the environment is free
	freeze    time.Duration
	maxAge    time.Duration // at which environments may still take an event; 0: any

	mu     sync.Mutex
	opened []*env
}

func (h *host) open(ctx context.Context, fn *hearth.Function, initType string) (pool.Environment, error) {
	if h.openErr != nil {
		if err := h.openErr(fn); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := &env{host: h, id: len(h.opened), fn: fn, initType: initType, closed: make(chan struct{})}
	h.opened = append(h.opened, e)
	return e, ctx.Err()
}

// count returns how many environments were opened and how many of them closed.
func (h *host) count() (opened, closed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.opened {
		if e.isClosed() {
			closed++
		}
	}
	return len(h.opened), closed
}

// env is an environment that answers with its number.
type env struct {
	host     *host
	id       int
	fn       *hearth.Function
	initType string
	closed   chan struct{}
	once     sync.Once

	mu     sync.Mutex
	state  environment.State
	used   int
	frozen int // how often
	events int // of a multi-concurrent one
	ready  time.Time
}

func (e *env) set(to environment.State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != environment.Dead {
		e.state = to
	}
}

// pause lets time pass, unless the environment is closed before.
//
// A bubble of Go 1.26 under the race detector crashes when two goroutines
// receive at once from timers that were due before (Go issue 78156), so nobody
// here waits for no time.
func (e *env) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-e.closed:
	}
}

func (e *env) isClosed() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}

func (e *env) Init() bool {
	ahead := e.initType == hearth.InitProvisioned
	e.pause(e.host.init)
	if ahead {
		e.pause(e.host.initAhead)
	}
	if e.host.initDies {
		e.set(environment.Dead)
	}
	e.set(environment.Idle)
	if ahead && e.host.aheadIs != environment.New {
		e.set(e.host.aheadIs)
	}
	e.mu.Lock()
	e.ready = time.Now()
	e.mu.Unlock()
	return e.State() == environment.Idle
}

func (e *env) Begin(inv *hearth.Invocation, free func()) func() (hearth.Result, error) {
	return func() (hearth.Result, error) { return e.invoke(inv, free) }
}

func (e *env) invoke(inv *hearth.Invocation, free func()) (hearth.Result, error) {
	e.mu.Lock()
	if age := time.Since(e.ready); e.host.maxAge > 0 && age > e.host.maxAge {
		e.host.t.Errorf("environment %d was invoked at the age of %s", e.id, age)
	}
	e.mu.Unlock()
	if e.fn.Managed != nil {
		return e.share(inv, free)
	}
	switch s := e.State(); s {
	case environment.Idle, environment.Broken:
		e.set(environment.Busy)
	case environment.Dead:
		free()
		return hearth.Result{}, environment.ErrDead
	default:
		e.host.t.Errorf("environment %d was invoked while %s", e.id, s)
		return hearth.Result{}, environment.ErrBusy
	}
	work, linger := e.host.work, e.host.linger
	if d, err := time.ParseDuration(string(inv.Payload)); err == nil {
		work = d
	}
	e.pause(work)
	if e.isClosed() {
		free()
		return hearth.Result{}, environment.ErrDead
	}
	res := hearth.Result{Payload: []byte(strconv.Itoa(e.id))}
	if linger == 0 {
		e.set(environment.Idle)
		free()
		return res, nil
	}
	go func() {
		e.pause(linger)
		e.set(environment.Idle)
		free()
	}()
	return res, nil
}

// share is invoke of an environment that takes several events at a time.
func (e *env) share(inv *hearth.Invocation, free func()) (hearth.Result, error) {
	defer free()
	e.mu.Lock()
	e.events++
	if e.events > e.fn.MaxConcurrency() || e.frozen > 0 {
		e.host.t.Errorf("environment %d has %d events, and was frozen %d times", e.id, e.events, e.frozen)
	}
	e.mu.Unlock()
	work := e.host.work
	if d, err := time.ParseDuration(string(inv.Payload)); err == nil {
		work = d
	}
	e.pause(work)
	e.mu.Lock()
	e.events--
	e.mu.Unlock()
	if e.isClosed() {
		return hearth.Result{}, environment.ErrDead
	}
	return hearth.Result{Payload: []byte(strconv.Itoa(e.id))}, nil
}

func (e *env) State() environment.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

func (e *env) MemoryUsed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.used
}

func (e *env) Freeze() error {
	e.pause(e.host.freeze)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frozen++
	return nil
}

func (e *env) Close() error {
	e.once.Do(func() {
		e.mu.Lock()
		e.state = environment.Dead
		e.mu.Unlock()
		close(e.closed)
	})
	return nil
}

// bench is a pool over fake environments, in a bubble of its own.
type bench struct {
	*testing.T
	*host
	pool *pool.Pool
}

// bubble runs a test on a pool that is closed and checked afterwards.
func bubble(t *testing.T, opts pool.Options, test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{t: t}
		opts.Open = h.open
		b := &bench{T: t, host: h, pool: pool.New(opts)}
		defer b.pool.Close() // of a test that gives up
		test(b)
		if err := b.pool.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		synctest.Wait()
		b.check()
		if got, want := b.pool.Stats(), (pool.Stats{}); got != want {
			t.Errorf("left in the closed pool: %+v", got)
		}
		if opened, closed := h.count(); opened != closed {
			t.Errorf("opened %d environments, closed %d", opened, closed)
		}
	})
}

func (b *bench) check() {
	b.Helper()
	if err := b.pool.Check(); err != nil {
		b.Errorf("after %s: %v", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), err)
	}
}

// function returns the first generation of a function of 128 MB.
func function(name string) *hearth.Function {
	return &hearth.Function{
		Name:    hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: name},
		Version: hearth.Latest, Generation: "1", MemorySize: 128,
	}
}

// invoke runs an event and returns the number of the environment that had it.
func (b *bench) invoke(fn *hearth.Function) (int, error) {
	return b.invokeFor(b.Context(), fn, "")
}

func (b *bench) invokeFor(ctx context.Context, fn *hearth.Function, work string) (int, error) {
	res, err := b.pool.Invoke(ctx, fn, &hearth.Invocation{Payload: []byte(work)})
	if err != nil {
		return -1, err
	}
	id, err := strconv.Atoi(string(res.Payload))
	return id, err
}

func (b *bench) mustInvoke(fn *hearth.Function) int {
	b.Helper()
	id, err := b.invoke(fn)
	if err != nil {
		b.Fatalf("invoke: %v", err)
	}
	return id
}

// answer is how an invocation that went on beside the test ended.
type answer struct {
	id  int
	err error
	at  time.Duration // after the call
}

// background invokes beside the test, once for each work, and returns when all
// that can happen at once has happened.
func (b *bench) background(ctx context.Context, fn *hearth.Function, works ...string) []chan answer {
	answers := make([]chan answer, len(works))
	began := time.Now()
	for i, work := range works {
		answers[i] = make(chan answer, 1)
		go func() {
			id, err := b.invokeFor(ctx, fn, work)
			answers[i] <- answer{id, err, time.Since(began)}
		}()
		synctest.Wait() // they arrive in order
	}
	return answers
}

// wait lets time pass, and everything that is due then happen.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func isThrottle(err error) bool {
	throttle, ok := errors.AsType[*hearth.Throttle](err)
	return ok && throttle.Reason == hearth.ThrottleConcurrency
}

func repeat(work string, n int) []string {
	works := make([]string, n)
	for i := range works {
		works[i] = work
	}
	return works
}

func (s answer) String() string {
	return fmt.Sprintf("environment %d, %v, after %s", s.id, s.err, s.at)
}

// lookup is a pool's Functions.
type lookup func(name hearth.Name, version string) (*hearth.Function, error)

func (l lookup) Lookup(name hearth.Name, version string) (*hearth.Function, error) {
	return l(name, version)
}
