package pool_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// caller is all that a pool calls: each of its methods calls the pool in turn,
// which must not be holding its lock.
type caller struct {
	t    *testing.T
	pool *pool.Pool // set before anything is called but what New calls

	mu    sync.Mutex
	calls map[string]chan struct{} // closed with the first
}

// call calls the pool back. A pool that holds its lock would not answer.
func (c *caller) call(what string) {
	if c.pool == nil {
		return
	}
	done := make(chan struct{})
	go func() { // waited for here
		defer close(done)
		c.pool.Stats()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		c.t.Errorf("%s with the lock held", what)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.calledLocked(what):
	default:
		close(c.calls[what])
	}
}

func (c *caller) calledLocked(what string) chan struct{} {
	if c.calls[what] == nil {
		c.calls[what] = make(chan struct{})
	}
	return c.calls[what]
}

// await waits until something has been called.
func (c *caller) await(what string) {
	c.t.Helper()
	c.mu.Lock()
	called := c.calledLocked(what)
	c.mu.Unlock()
	select {
	case <-called:
	case <-time.After(10 * time.Second):
		c.t.Fatalf("%s was not called", what)
	}
}

func (c *caller) open(_ context.Context, fn *hearth.Function, _ string) (pool.Environment, error) {
	c.call("open")
	if fn.Name.Function == "bad" {
		return nil, errNoSandbox
	}
	return callingEnv{c}, nil
}

func (c *caller) Lookup(name hearth.Name, _ string) (*hearth.Function, error) {
	c.call("look-up")
	return function(name.Function), nil
}

func (c *caller) Enabled(context.Context, slog.Level) bool { return true }
func (c *caller) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *caller) WithGroup(string) slog.Handler            { return c }

func (c *caller) Handle(_ context.Context, r slog.Record) error {
	c.call("log " + r.Message)
	return nil
}

// callingEnv is the caller as an environment. State may be asked with the lock
// held: it is documented.
type callingEnv struct{ c *caller }

var errStubborn = errors.New("it does not want to")

func (e callingEnv) Init() bool               { e.c.call("init"); return true }
func (e callingEnv) State() environment.State { return environment.Idle }
func (e callingEnv) MemoryUsed() int          { e.c.call("memory"); return 20 }
func (e callingEnv) Freeze() error            { e.c.call("freeze"); return errStubborn }
func (e callingEnv) Close() error             { e.c.call("close"); return errStubborn }

func (e callingEnv) Begin(_ *hearth.Invocation, free func()) func() (hearth.Result, error) {
	e.c.call("begin")
	return func() (hearth.Result, error) {
		free()
		return hearth.Result{}, nil
	}
}

// callingClock is the caller as a clock.
type callingClock struct {
	*clock.Test
	c *caller
}

func (k callingClock) Now() time.Time {
	k.c.call("clock")
	return k.Test.Now()
}

func (k callingClock) AfterFunc(d time.Duration, what string, f func()) clock.Timer {
	k.c.call("set timer")
	return callingTimer{k.Test.AfterFunc(d, what, f), k.c}
}

type callingTimer struct {
	clock.Timer
	c *caller
}

func (t callingTimer) Stop() bool {
	t.c.call("stop timer")
	return t.Timer.Stop()
}

func (t callingTimer) Reset(d time.Duration) bool {
	t.c.call("reset timer")
	return t.Timer.Reset(d)
}

func TestPool_CallsNobodyWithItsLockHeld(t *testing.T) {
	c := &caller{t: t, calls: map[string]chan struct{}{}}
	k := callingClock{clock.NewTest(time.Now()), c}
	p := pool.New(pool.Options{
		Open: c.open, Functions: c, Logger: slog.New(c), Clock: k, FreezeAfter: time.Millisecond, IdleTimeout: time.Minute,
	})
	c.pool = p
	invoke := func(fn *hearth.Function) {
		t.Helper()
		if _, err := p.Invoke(t.Context(), fn, &hearth.Invocation{}); err != nil {
			t.Error(err)
		}
	}
	advance := func(d time.Duration) {
		t.Helper()
		if _, err := k.Advance(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	invoke(function("f")) // look-up, open, init, memory, begin, set timer
	c.await("log freeze idle environment")
	for p.Stats().Idle == 0 { // in a moment
		runtime.Gosched()
	}
	advance(time.Minute)
	c.await("log close environment") // of the one that was unused
	invoke(function("f"))
	p.Provision(function("bad").Name, []pool.ProvisionTarget{{Function: function("bad"), Requested: 1}})
	c.await("log start a provisioned environment")
	p.Provision(function("bad").Name, nil)
	p.Retire(function("f").Name, func(string, string) bool { c.call("current"); return false })
	if _, err := p.Invoke(t.Context(), function("bad"), &hearth.Invocation{}); !errors.Is(err, errNoSandbox) {
		t.Errorf("bad: %v", err)
	}
	invoke(function("g"))
	if err := p.Close(); !errors.Is(err, errStubborn) {
		t.Errorf("close: %v", err)
	}
	for _, what := range []string{
		"open", "init", "memory", "begin", "freeze", "close", "look-up", "current", "clock", "set timer", "reset timer", "stop timer",
	} {
		c.await(what)
	}
}
