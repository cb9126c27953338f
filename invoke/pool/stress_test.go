package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
)

// TestPool_ConcurrentUse_WhileFunctionsChange lets invocations, changes and settings
// of the same functions run into each other, on real threads.
func TestPool_ConcurrentUse_WhileFunctionsChange(t *testing.T) {
	c := newCatalog()
	opts := c.options()
	opts.Open = func(context.Context, *hearth.Function, string) (pool.Environment, error) { return instant{}, nil }
	opts.FreezeAfter, opts.MaxMemory = time.Millisecond, 6*128
	p := pool.New(opts)
	defer p.Close()

	var provisioning sync.Mutex // as provision does it
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		rng := rand.New(rand.NewPCG(worker, 1))
		wg.Go(func() {
			for range 400 {
				fn, err := c.Lookup(function([]string{"f", "g"}[rng.IntN(2)]).Name, hearth.Latest)
				if err != nil {
					t.Error(err)
					return
				}
				switch rng.IntN(10) {
				case 0:
					c.next(fn.Name.Function)
				case 1:
					provisioning.Lock()
					p.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: rng.IntN(3)}})
					provisioning.Unlock()
				case 2:
					p.Provisioned(fn)
					p.Reserve(fn.Name, []*hearth.ReservedConcurrency{nil, reserve(6)}[rng.IntN(2)])
				default:
					if _, err := p.Invoke(t.Context(), fn, &hearth.Invocation{}); err != nil && !isThrottle(err) && !isReservedThrottle(err) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, name := range []string{"f", "g"} {
		p.Reserve(function(name).Name, nil)
		p.Provision(function(name).Name, nil)
		c.next(name)
	}
	deadline := time.Now().Add(10 * time.Second)
	for p.Stats() != (pool.Stats{}) && time.Now().Before(deadline) {
		runtime.Gosched() // starts end, and what is being frozen is closed
	}
	if s := p.Stats(); s != (pool.Stats{}) {
		t.Errorf("left: %+v", s)
	}
	if err := errors.Join(p.Check(), p.Close()); err != nil {
		t.Error(err)
	}
}

// next makes a further generation of a function the current one.
func (c *catalog) next(name string) {
	c.mu.Lock()
	last, err := strconv.Atoi(c.current[name])
	if err == nil {
		c.current[name] = fmt.Sprint(last + 1)
	}
	c.mu.Unlock()
	c.changed(hearth.KindFunction, name)
}
