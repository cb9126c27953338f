package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// frozen returns how often an environment was frozen.
func (b *bench) frozen(id int) int {
	e := b.opened[id]
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frozen
}

func TestIdle_FrozenAfterItsGrace(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.mustInvoke(function("f"))
		wait(499 * time.Millisecond)
		if n := b.frozen(0); n != 0 {
			b.Errorf("frozen %d times before its time", n)
		}
		wait(time.Millisecond)
		if n := b.frozen(0); n != 1 {
			b.Errorf("frozen %d times", n)
		}
		wait(time.Minute)
		if n := b.frozen(0); n != 1 {
			b.Errorf("frozen %d times in a minute", n)
		}
		b.check()
	})
}

func TestIdle_FrozenAgainAfterEachUse(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		for i := range 3 {
			if id := b.mustInvoke(function("f")); id != 0 {
				b.Fatalf("served by environment %d", id)
			}
			wait(time.Second)
			if n := b.frozen(0); n != i+1 {
				b.Errorf("frozen %d times after use %d", n, i+1)
			}
		}
	})
}

func TestIdle_InUseIsNotFrozen(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		<-b.background(b.Context(), function("f"), "1m")[0]
		if n := b.frozen(0); n != 0 {
			b.Errorf("frozen %d times while busy", n)
		}
	})
}

func TestIdle_BeingFrozenIsWaitedFor(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.freeze = 5 * time.Millisecond
		fn := function("f")
		b.mustInvoke(fn)
		wait(502 * time.Millisecond)
		if got := <-b.background(b.Context(), fn, "1ms")[0]; got.id != 0 || got.at != 4*time.Millisecond {
			b.Errorf("served by %s", got)
		}
		b.check()
	})
}

func TestIdle_BeingFrozenForLongIsNotWaitedFor(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.freeze = time.Minute
		fn := function("f")
		b.mustInvoke(fn)
		wait(502 * time.Millisecond)
		if got := <-b.background(b.Context(), fn, "1ms")[0]; got.id != 1 || got.at > 110*time.Millisecond {
			b.Errorf("served by %s", got)
		}
		wait(time.Minute)
		b.check()
	})
}

func TestIdle_MakesRoomOnceItIsFrozen(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 128}, func(b *bench) {
		b.freeze = 5 * time.Second
		b.mustInvoke(function("a"))
		wait(time.Second)
		if got := <-b.background(b.Context(), function("b"), "1ms")[0]; got.err != nil || got.at > 5*time.Second {
			b.Error(got)
		}
	})
}

func TestIdle_ClosedAfterItsTime(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: time.Minute}, func(b *bench) {
		fn := function("f")
		b.mustInvoke(fn)
		wait(59 * time.Second)
		if id := b.mustInvoke(fn); id != 0 { // and its time begins anew
			b.Errorf("served by environment %d", id)
		}
		wait(time.Minute - time.Millisecond)
		if s := b.pool.Stats(); s.Idle != 1 {
			b.Errorf("%+v", s)
		}
		wait(time.Millisecond)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("served by environment %d", id)
		}
	})
}

func TestIdle_ClosedBeforeItWouldBeFrozen(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: 100 * time.Millisecond}, func(b *bench) {
		b.mustInvoke(function("f"))
		wait(100 * time.Millisecond)
		if _, closed := b.count(); closed != 1 || b.frozen(0) != 0 {
			b.Errorf("closed %d, frozen %d", closed, b.frozen(0))
		}
	})
}

func TestIdle_DeadOneIsClosedWhenItIsFound(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.mustInvoke(function("f"))
		b.opened[0].set(environment.Dead)
		wait(time.Second)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

// never makes Retire retire everything.
func never(string, string) bool { return false }

func TestRetire_IdleOnesCloseAtOnce(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.mustInvoke(function("f"))
		b.mustInvoke(function("other"))
		b.pool.Retire(function("f").Name, never)
		synctest.Wait()
		if s := b.pool.Stats(); s.Environments != 1 {
			b.Errorf("%+v", s)
		}
		if id := b.mustInvoke(function("other")); id != 1 {
			b.Errorf("the other function was served by environment %d", id)
		}
		b.check()
	})
}

func TestRetire_CurrentOnesStay(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		old, current := function("f"), function("f")
		current.Generation = "2"
		b.mustInvoke(old)
		b.mustInvoke(current)
		b.pool.Retire(old.Name, func(version, generation string) bool {
			return version == hearth.Latest && generation == "2"
		})
		if id := b.mustInvoke(current); id != 1 {
			b.Errorf("served by environment %d", id)
		}
		if s := b.pool.Stats(); s.Environments != 1 {
			b.Errorf("%+v", s)
		}
	})
}

func TestRetire_BusyOnesFinishAndClose(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		running := b.background(b.Context(), fn, "1m")
		b.pool.Retire(fn.Name, never)
		if got := <-running[0]; got.err != nil {
			b.Error(got)
		}
		synctest.Wait()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestRetire_StartsInFlightServeWhoWaitsAndClose(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.init = time.Second
		fn := function("f")
		waiting := b.background(b.Context(), fn, "1ms")
		b.pool.Retire(fn.Name, never)
		if got := <-waiting[0]; got.err != nil {
			b.Error(got)
		}
		synctest.Wait()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestRetire_WhileBeingFrozenCloses(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.freeze = time.Second
		fn := function("f")
		b.mustInvoke(fn)
		wait(time.Second)
		b.pool.Retire(fn.Name, never)
		wait(time.Second)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestRetire_InvocationThatComesTooLateLeavesNothing(t *testing.T) {
	deleted := false
	opts := pool.Options{Functions: lookup(func(name hearth.Name, version string) (*hearth.Function, error) {
		if deleted {
			return nil, hearth.ErrNotFound
		}
		return function(name.Function), nil
	})}
	bubble(t, opts, func(b *bench) {
		fn := function("f")
		b.mustInvoke(fn)
		deleted = true
		b.pool.Retire(fn.Name, never)
		b.mustInvoke(fn) // it was resolved before
		synctest.Wait()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestClose_RefusesThoseWhoWait(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 1}, func(b *bench) {
		b.init = time.Minute
		waiting := b.background(b.Context(), function("f"), "1ms", "1ms", "1ms")
		began := time.Now()
		if err := b.pool.Close(); err != nil {
			b.Error(err)
		}
		if took := time.Since(began); took != 0 {
			b.Errorf("waited %s for an init phase", took)
		}
		for _, a := range waiting {
			if got := <-a; !errors.Is(got.err, hearth.ErrUnavailable) {
				b.Error(got)
			}
		}
	})
}

func TestClose_EndsInvocationsInProgress(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		running := b.background(b.Context(), function("f"), "1h", "1h")
		if err := b.pool.Close(); err != nil {
			b.Error(err)
		}
		for _, a := range running {
			if got := <-a; !errors.Is(got.err, environment.ErrDead) {
				b.Error(got)
			}
		}
	})
}

func TestClose_TwiceWaitsTwice(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.mustInvoke(function("f"))
		go b.pool.Close()
		b.pool.Close()
		if _, closed := b.count(); closed != 1 {
			b.Error("an environment is left")
		}
	})
}
