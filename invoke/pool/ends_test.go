package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// TestPool_ConcurrentUse_WhileEnvironmentsEnd lets everything happen at once, on real
// threads: functions of every sort change, environments die at any moment and live for
// milliseconds, look-ups take their time or fail, and every other pool is closed
// meanwhile. Nobody may wait for nothing, have an environment with another, or leave
// anything behind.
func TestPool_ConcurrentUse_WhileEnvironmentsEnd(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRiot(t, seed)
			var workers, deaths sync.WaitGroup
			over := make(chan struct{})
			deaths.Go(func() { r.kill(rand.New(rand.NewPCG(seed, 1)), over) })
			for worker := range uint64(12) {
				workers.Go(func() { r.work(rand.New(rand.NewPCG(seed, 2+worker))) })
			}
			if seed%2 == 1 {
				<-time.After(20 * time.Millisecond)
				r.closing.Store(true)
				if err := r.pool.Close(); err != nil {
					t.Error(err)
				}
			}
			workers.Wait()
			close(over)
			deaths.Wait()
			r.finish()
		})
	}
}

// riot is a pool and what happens to it. It is the pool's Functions and Changes.
type riot struct {
	*host
	pool    *pool.Pool
	closing atomic.Bool
	calm    atomic.Bool // look-ups succeed, and at once
	lookups atomic.Int64
	opens   atomic.Int64

	catalog      sync.Mutex
	generations  map[string]int
	subscriber   hearth.Subscriber
	provisioning sync.Mutex // as provision does it
}

// lost is how long nobody has to wait.
const lost = 8 * time.Second

func newRiot(t *testing.T, seed uint64) *riot {
	rng := rand.New(rand.NewPCG(seed, 0))
	upTo := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
	r := &riot{generations: map[string]int{}}
	r.host = &host{t: t, init: upTo(2 * time.Millisecond), linger: upTo(time.Millisecond), freeze: upTo(time.Millisecond)}
	r.openErr = func(*hearth.Function) error {
		if r.opens.Add(1)%17 == 0 {
			return errNoSandbox
		}
		return nil
	}
	r.pool = pool.New(pool.Options{
		Open: r.openUnlessEnded, Functions: r, Changes: r, QueueTimeout: lost,
		MaxConcurrency: 4 + rng.IntN(30), MaxStarting: 1 + rng.IntN(5), MaxMemory: 700,
		IdleTimeout: time.Millisecond + upTo(20*time.Millisecond), FreezeAfter: time.Microsecond + upTo(5*time.Millisecond),
		MaxAge: 2*time.Millisecond + upTo(40*time.Millisecond),
	})
	return r
}

// openUnlessEnded opens nothing that it would not return.
func (r *riot) openUnlessEnded(ctx context.Context, fn *hearth.Function, initType string) (pool.Environment, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return r.open(context.WithoutCancel(ctx), fn, initType)
}

// riotFunctions are an ordinary function, one with tenants, and two on managed
// instances.
var riotFunctions = []string{"one", "tenants", "three", "managed"}

// function is the current generation.
func (r *riot) function(name string) *hearth.Function {
	fn := function(name)
	switch name {
	case "three":
		fn.Managed = &hearth.ManagedInstances{MaxConcurrency: 3}
	case "managed":
		fn.Managed = &hearth.ManagedInstances{MaxConcurrency: 1}
	}
	r.catalog.Lock()
	defer r.catalog.Unlock()
	fn.Generation = fmt.Sprint(r.generations[name])
	return fn
}

func (r *riot) Lookup(name hearth.Name, _ string) (*hearth.Function, error) {
	fn := r.function(name.Function)
	switch n := r.lookups.Add(1); {
	case r.calm.Load():
	case n%11 == 0:
		return nil, errors.New("it cannot be read")
	case n%3 == 0:
		<-time.After(300 * time.Microsecond) // fn may be outdated by then
	}
	return fn, nil
}

func (r *riot) Subscribe(s hearth.Subscriber) (cancel func()) {
	r.subscriber = s
	return func() {}
}

func (r *riot) change(name string) {
	r.catalog.Lock()
	r.generations[name]++
	r.catalog.Unlock()
	r.subscriber.Changed(hearth.Change{Kind: hearth.KindFunction, Function: function(name).Name})
}

// kill has environments die, or lose their runtimes, until all is over.
func (r *riot) kill(rng *rand.Rand, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(300 * time.Microsecond):
		}
		r.mu.Lock()
		if n := len(r.opened); n > 0 {
			e := r.opened[n-1-rng.IntN(min(n, 12))]
			if e.State() == environment.Idle && rng.IntN(2) == 0 {
				e.set(environment.Broken)
			} else {
				e.set(environment.Dead)
			}
		}
		r.mu.Unlock()
	}
}

// work does what may be done with a pool.
func (r *riot) work(rng *rand.Rand) {
	for range 100 {
		fn := r.function(riotFunctions[rng.IntN(len(riotFunctions))])
		switch rng.IntN(16) {
		case 0:
			r.change(fn.Name.Function)
		case 1:
			r.provision(rng, fn)
		case 2:
			r.pool.Provisioned(fn)
			r.pool.Reserve(fn.Name, []*hearth.ReservedConcurrency{nil, reserve(rng.IntN(6))}[rng.IntN(2)])
		default:
			r.invoke(rng, fn)
		}
	}
}

// provision leaves room for others in the memory that there is.
func (r *riot) provision(rng *rand.Rand, fn *hearth.Function) {
	want := pool.ProvisionTarget{Function: fn, Requested: rng.IntN(2)}
	if fn.Managed != nil {
		want.Max = rng.IntN(3)
	}
	r.provisioning.Lock()
	defer r.provisioning.Unlock()
	r.pool.Provision(fn.Name, []pool.ProvisionTarget{want})
}

func (r *riot) invoke(rng *rand.Rand, fn *hearth.Function) {
	ctx, cancel := r.t.Context(), func() {}
	if rng.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
	}
	defer cancel()
	inv := &hearth.Invocation{Payload: []byte((time.Duration(rng.IntN(1500)) * time.Microsecond).String())}
	if fn.Name.Function == "tenants" {
		inv.TenantID = fmt.Sprint(rng.IntN(3))
	}
	began := time.Now()
	_, err := r.pool.Invoke(ctx, fn, inv)
	if time.Since(began) >= lost {
		r.t.Errorf("%s waited for nothing: %v", fn.Name.Function, err)
	}
	closed := errors.Is(err, hearth.ErrUnavailable) || errors.Is(err, context.Canceled)
	switch {
	case err == nil, isThrottle(err), isReservedThrottle(err), errors.Is(err, errNoSandbox):
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, environment.ErrDead):
	case !closed || !r.closing.Load():
		r.t.Errorf("invoke: %v", err)
	}
}

// finish takes back what was set, and checks that nothing is left.
func (r *riot) finish() {
	r.calm.Store(true)
	for _, name := range riotFunctions {
		r.pool.Reserve(function(name).Name, nil)
		r.pool.Provision(function(name).Name, nil)
		r.change(name)
	}
	deadline := time.Now().Add(lost)
	for r.pool.Stats() != (pool.Stats{}) && time.Now().Before(deadline) {
		runtime.Gosched() // starts end, and what is being frozen is closed
	}
	if s := r.pool.Stats(); s != (pool.Stats{}) {
		r.t.Errorf("left: %+v", s)
	}
	if err := errors.Join(r.pool.Check(), r.pool.Close()); err != nil {
		r.t.Error(err)
	}
	if opened, closed := r.count(); opened != closed {
		r.t.Errorf("opened %d environments, closed %d", opened, closed)
	}
}
