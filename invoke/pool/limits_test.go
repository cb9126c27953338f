package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
)

func TestStart_AtMostMaxStartingAtATime(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 3}, func(b *bench) {
		b.init = time.Second
		answers := b.background(b.Context(), function("f"), repeat("1h", 7)...)
		var opened []int
		for range 3 {
			n, _ := b.count()
			opened = append(opened, n)
			wait(time.Second)
		}
		if diff := cmp.Diff([]int{3, 6, 7}, opened); diff != "" {
			t.Errorf("opened by second (-want +got):\n%s", diff)
		}
		for _, a := range answers {
			<-a
		}
	})
}

func TestStart_SlowOneGivesItsSlotAway(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 1}, func(b *bench) {
		b.init = 10 * time.Second
		slow := b.background(b.Context(), function("slow"), "1ms")
		b.init = 0
		if got := <-b.background(b.Context(), function("quick"), "1ms")[0]; got.err != nil || got.at != 2*time.Second+time.Millisecond {
			b.Errorf("quick: %s", got)
		}
		if got := <-slow[0]; got.err != nil || got.at != 10*time.Second+time.Millisecond {
			b.Errorf("slow: %s", got)
		}
	})
}

func TestStart_FunctionsInTurn(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 1}, func(b *bench) {
		b.init = time.Second
		flood := b.background(b.Context(), function("flood"), repeat("1h", 20)...)
		single := b.background(b.Context(), function("single"), "1ms")
		if got := <-single[0]; got.err != nil || got.at > 3*b.init+time.Millisecond {
			b.Errorf("one invocation beside twenty of another function: %s", got)
		}
		for _, a := range flood {
			<-a
		}
	})
}

func TestMemory_LeastRecentlyUsedIdleEnvironmentMakesRoom(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 3 * 128}, func(b *bench) {
		for _, name := range []string{"a", "b", "c"} {
			b.mustInvoke(function(name))
			wait(time.Second)
		}
		b.mustInvoke(function("a")) // b is the one that was not used for longest
		wait(time.Second)
		b.mustInvoke(function("d"))
		wait(time.Second)
		var served []int
		for _, name := range []string{"a", "c", "d"} {
			served = append(served, b.mustInvoke(function(name)))
		}
		if diff := cmp.Diff([]int{0, 2, 3}, served); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b.check()
	})
}

func TestMemory_IdleEnvironmentsCountWhatTheyUsed(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 256}, func(b *bench) {
		b.mustInvoke(function("a"))
		b.opened[0].mu.Lock()
		b.opened[0].used = 30
		b.opened[0].mu.Unlock()
		b.mustInvoke(function("a"))
		if s := b.pool.Stats(); s.Memory != 30 {
			b.Errorf("%+v", s)
		}
		b.mustInvoke(function("b"))
		if s := b.pool.Stats(); s.Memory != 158 || s.Idle != 2 {
			b.Errorf("%+v", s)
		}
	})
}

func TestMemory_NoRoomWaitsForAnEnvironmentToBeFree(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 256}, func(b *bench) {
		b.background(b.Context(), function("a"), "5s", "10s")
		if got := <-b.background(b.Context(), function("b"), "1ms")[0]; got.err != nil || got.at != 5*time.Second+time.Millisecond {
			b.Error(got)
		}
		b.check()
	})
}

func TestMemory_NoRoomForLongIsThrottled(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 256}, func(b *bench) {
		busy := b.background(b.Context(), function("a"), "1h", "1h")
		for range 3 { // one after another: nobody was forgotten
			if got := <-b.background(b.Context(), function("b"), "1ms")[0]; !isThrottle(got.err) || got.at != 30*time.Second {
				b.Error(got)
			}
			b.check()
		}
		for _, a := range busy {
			<-a
		}
		b.mustInvoke(function("b"))
	})
}

func TestMemory_NoIdleEnvironmentIsClosedInVain(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 4 * 128, QueueTimeout: time.Second}, func(b *bench) {
		b.mustInvoke(function("idle"))
		busy := b.background(b.Context(), function("busy"), "1h", "1h")
		large := function("large")
		large.MemorySize = 3 * 128
		if _, err := b.invoke(large); !isThrottle(err) {
			b.Errorf("got %v", err)
		}
		if id := b.mustInvoke(function("idle")); id != 0 {
			b.Errorf("served by environment %d", id)
		}
		for _, a := range busy {
			<-a
		}
	})
}

func TestMemory_LargeFunctionDoesNotHoldUpSmallOnes(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 4 * 128}, func(b *bench) {
		b.background(b.Context(), function("busy"), "10s", "10s")
		large := function("large")
		large.MemorySize = 3 * 128
		waiting := b.background(b.Context(), large, "1ms")
		if got := <-b.background(b.Context(), function("small"), "1ms")[0]; got.err != nil || got.at != time.Millisecond {
			b.Errorf("small: %s", got)
		}
		if got := <-waiting[0]; got.err != nil || got.at != 10*time.Second+time.Millisecond {
			b.Errorf("large: %s", got)
		}
	})
}

func TestMemory_FunctionLargerThanTheBoundRunsAlone(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 100}, func(b *bench) {
		b.mustInvoke(function("a"))
		b.mustInvoke(function("b"))
		if s := b.pool.Stats(); s.Environments != 1 {
			b.Errorf("%+v", s)
		}
	})
}

func TestMemory_OfAFailedStartIsGivenBack(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 128}, func(b *bench) {
		b.openErr = func(fn *hearth.Function) error {
			if fn.Name.Function == "bad" {
				return errNoSandbox
			}
			return nil
		}
		if _, err := b.invoke(function("bad")); !errors.Is(err, errNoSandbox) {
			b.Errorf("got %v", err)
		}
		b.check()
		b.mustInvoke(function("good"))
	})
}
