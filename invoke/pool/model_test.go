package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// TestPool_AnyCourseOfEvents lets a random course of events act on a pool and
// checks its books after each; in the end nothing may be left.
func TestPool_AnyCourseOfEvents(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			opts := pool.Options{
				MaxConcurrency: 5 + rng.IntN(40), MaxStarting: 1 + rng.IntN(6),
				QueueTimeout: time.Duration(1+rng.IntN(20)) * time.Second, IdleTimeout: time.Duration(1+rng.IntN(20)) * time.Second,
			}
			if rng.IntN(2) == 0 {
				opts.MaxMemory = 256 + rng.IntN(2000)
			}
			if rng.IntN(3) > 0 {
				opts.MaxAge = time.Duration(1+rng.IntN(40)) * time.Second
			}
			bubble(t, opts, func(b *bench) {
				m := &model{bench: b, rng: rng}
				m.maxAge = opts.MaxAge
				m.init, m.work, m.linger, m.freeze = m.upTo(3000), m.upTo(2000), m.upTo(30), m.upTo(300)
				m.openErr = m.mayFail
				for range 400 {
					m.step()
				}
				m.finish()
			})
		})
	}
}

// model is a random course of events. Its generator belongs to the bubble's
// main goroutine, or to who holds mu.
type model struct {
	*bench
	rng   *rand.Rand
	calls sync.WaitGroup

	failing sync.Mutex
	opens   int
}

// upTo is a random time; every other one is 0.
func (m *model) upTo(ms int) time.Duration {
	if m.rng.IntN(2) == 0 {
		return 0
	}
	return time.Duration(m.rng.IntN(ms)) * time.Millisecond
}

func (m *model) mayFail(*hearth.Function) error {
	m.failing.Lock()
	defer m.failing.Unlock()
	if m.opens++; m.opens%17 == 0 {
		return errNoSandbox
	}
	return nil
}

func (m *model) function() *hearth.Function {
	fn := function(fmt.Sprint("f", m.rng.IntN(4)))
	fn.MemorySize = 128 * (1 + len(fn.Name.Function+fn.Generation)%3)
	fn.Generation = fmt.Sprint(m.rng.IntN(2))
	if fn.Name.Function == "f3" {
		fn.Managed = &hearth.ManagedInstances{MaxConcurrency: 3}
	}
	return fn
}

func (m *model) step() {
	switch m.rng.IntN(12) {
	case 10:
		m.provision()
	case 11:
		if name := m.function().Name; m.rng.IntN(2) == 0 {
			m.pool.Reserve(name, nil)
		} else {
			m.pool.Reserve(name, reserve(m.rng.IntN(4)))
		}
	case 0:
		current := fmt.Sprint(m.rng.IntN(2))
		m.pool.Retire(m.function().Name, func(_, generation string) bool { return generation == current })
	case 1:
		m.mu.Lock()
		if len(m.opened) > 0 {
			e := m.opened[m.rng.IntN(len(m.opened))]
			if s := e.State(); s == environment.Idle || s == environment.Broken {
				e.set([]environment.State{environment.Dead, environment.Broken}[m.rng.IntN(2)])
			}
		}
		m.mu.Unlock()
	case 2, 3:
		wait(time.Millisecond + m.upTo(3000))
	default:
		ctx, cancel := context.WithTimeout(m.Context(), 50*time.Millisecond+m.upTo(10000))
		fn, work := m.function(), m.upTo(2000).String()
		m.calls.Go(func() {
			defer cancel()
			_, err := m.invokeFor(ctx, fn, work)
			if err != nil && !isThrottle(err) && !isReservedThrottle(err) && !errors.Is(err, errNoSandbox) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, environment.ErrDead) {
				m.Errorf("invoke: %v", err)
			}
		})
	}
	if m.rng.IntN(2) == 0 {
		synctest.Wait()
	}
	m.check()
}

// provision keeps a few environments of some function, or none.
func (m *model) provision() {
	fn := m.function()
	want := []pool.ProvisionTarget{{Function: fn, Requested: m.rng.IntN(4)}}
	if fn.Managed != nil {
		want[0].Max = m.rng.IntN(3)
	}
	m.pool.Provision(fn.Name, want)
}

// finish waits until the pool has nothing left to do.
func (m *model) finish() {
	m.calls.Wait()
	for i := range 4 {
		name := function(fmt.Sprint("f", i)).Name
		m.pool.Reserve(name, nil)
		m.pool.Provision(name, nil)
	}
	wait(time.Minute)
	m.check()
	if s := m.pool.Stats(); s != (pool.Stats{}) {
		m.Errorf("left when all is done: %+v", s)
	}
}
