package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

func TestInvoke_ReusesTheIdleEnvironment(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		for range 1000 {
			if id := b.mustInvoke(fn); id != 0 {
				b.Fatalf("served by environment %d", id)
			}
		}
	})
}

func TestInvoke_BetweenAnswerAndFreeWaitsForTheSameEnvironment(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.linger = 5 * time.Millisecond
		fn := function("f")
		for range 100 {
			if id := b.mustInvoke(fn); id != 0 {
				b.Fatalf("served by environment %d", id)
			}
			b.check()
		}
		if opened, _ := b.count(); opened != 1 {
			b.Errorf("%d environments", opened)
		}
	})
}

func TestInvoke_LongAfterTheAnswerGetsAnother(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.linger = time.Hour // an extension that takes its time
		fn := function("f")
		began := time.Now()
		if first, second := b.mustInvoke(fn), b.mustInvoke(fn); first == second {
			b.Errorf("both on environment %d", first)
		}
		if took := time.Since(began); took > 110*time.Millisecond {
			b.Errorf("took %s", took)
		}
	})
}

func TestInvoke_LateAnswersKeepNobodyWaiting(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.linger = time.Hour
		b.init = 300 * time.Millisecond
		fn := function("f")
		busy := b.background(b.Context(), fn, "10ms", "15ms") // answer at 310 and 315 ms
		wait(312 * time.Millisecond)
		first := b.background(b.Context(), fn, "1ms") // counts on the first
		wait(5 * time.Millisecond)
		second := b.background(b.Context(), fn, "1ms") // counts on the second
		b.check()
		for _, a := range append(busy, first...) {
			if got := <-a; got.err != nil {
				b.Error(got)
			}
		}
		if got := <-second[0]; got.err != nil || got.at > 420*time.Millisecond {
			b.Errorf("second: %s; it has a start of its own to wait for", got)
		}
	})
}

func TestInvoke_AnswerThatBecomesKnownWhileOthersWaitForSlots(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 1}, func(b *bench) {
		b.linger = time.Hour
		mine, other := function("mine"), function("other")
		busy := b.background(b.Context(), mine, "1s")
		b.init = 500 * time.Millisecond
		hog := b.background(b.Context(), other, "1ms", "1ms", "1ms", "1ms") // one start at a time
		waiting := b.background(b.Context(), mine, "1ms")
		b.check()
		for _, a := range append(append(busy, hog...), waiting...) {
			if got := <-a; got.err != nil || got.at > 5*time.Second {
				b.Error(got)
			}
			b.check()
		}
	})
}

func TestInvoke_ParallelRequestsFromZeroGetEnvironmentsOfTheirOwn(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 8}, func(b *bench) {
		b.init = 100 * time.Millisecond
		seen := map[int]bool{}
		for _, a := range b.background(b.Context(), function("f"), repeat("1h", 100)...) {
			got := <-a
			if got.err != nil || got.at > time.Hour+13*b.init {
				b.Error(got) // behind a busy one it would be two hours
			}
			seen[got.id] = true
		}
		if len(seen) != 100 {
			b.Errorf("%d environments", len(seen))
		}
	})
}

func TestInvoke_OneStartForEachMissingEnvironment(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 100}, func(b *bench) {
		b.init = time.Second
		answers := b.background(b.Context(), function("f"), repeat("1s", 20)...)
		if got := b.pool.Stats().Starting; got != 20 {
			b.Errorf("%d starts for 20 invocations", got)
		}
		for _, a := range answers {
			<-a
		}
		if opened, _ := b.count(); opened != 20 {
			b.Errorf("%d environments for 20 invocations", opened)
		}
	})
}

func TestInvoke_FreedEnvironmentServesWhoWaitsForAStart(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		busy := b.background(b.Context(), fn, "1s")
		b.init = time.Hour
		if got := <-b.background(b.Context(), fn, "1s")[0]; got.id != 0 || got.at != 2*time.Second {
			b.Errorf("served by %s", got)
		}
		<-busy[0]
		b.check()
	})
}

func TestInvoke_MostRecentlyUsedIdleEnvironmentFirst(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		for i, a := range b.background(b.Context(), fn, "1s", "3s", "2s") {
			if got := <-a; got.id != i {
				b.Fatal(got)
			}
		}
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("served by environment %d, not by the one that was used last", id)
		}
	})
}

func TestInvoke_UsedEnvironmentBeforeASpare(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		busy := b.background(b.Context(), fn, "1s")
		b.init = 2 * time.Second
		<-b.background(b.Context(), fn, "1ms")[0] // served by the first; its own start is a spare
		<-busy[0]
		wait(3 * time.Second)
		if s := b.pool.Stats(); s.Idle != 2 {
			b.Fatalf("%+v", s)
		}
		if id := b.mustInvoke(fn); id != 0 {
			b.Errorf("served by environment %d", id)
		}
	})
}

func TestInvoke_TenantsDoNotShareEnvironments(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		served := map[string]bool{}
		for _, tenant := range []string{"a", "b", "a", ""} {
			res, err := b.pool.Invoke(b.Context(), function("f"), &hearth.Invocation{TenantID: tenant})
			if err != nil {
				b.Fatal(err)
			}
			served[tenant+string(res.Payload)] = true
		}
		if want := map[string]bool{"a0": true, "b1": true, "2": true}; !cmp.Equal(want, served) {
			b.Errorf("served %v", served)
		}
	})
}

func TestInvoke_GenerationsDoNotShareEnvironments(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		old := function("f")
		changed := *old
		changed.Generation = "2"
		if first, second := b.mustInvoke(old), b.mustInvoke(&changed); first == second {
			b.Errorf("both on environment %d", first)
		}
	})
}

func TestInvoke_BeyondMaxConcurrencyIsThrottled(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 1000}, func(b *bench) {
		fn := function("f")
		answers := b.background(b.Context(), fn, repeat("1s", 1000)...) // the default
		if _, err := b.invoke(fn); !isThrottle(err) {
			b.Errorf("number 1001: %v", err)
		}
		for _, a := range answers {
			if got := <-a; got.err != nil {
				b.Error(got)
			}
		}
		b.mustInvoke(fn)
	})
}

func TestInvoke_AnsweredInvocationsDoNotCountAsConcurrent(t *testing.T) {
	bubble(t, pool.Options{MaxConcurrency: 1}, func(b *bench) {
		b.linger = 5 * time.Millisecond
		for range 10 {
			b.mustInvoke(function("f"))
			b.check()
		}
	})
}

func TestInvoke_DeadIdleEnvironmentIsNeverHandedOut(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		b.mustInvoke(fn)
		b.opened[0].set(environment.Dead)
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("served by environment %d", id)
		}
		synctest.Wait()
		if _, closed := b.count(); closed != 1 {
			b.Errorf("%d closed", closed)
		}
		b.check()
	})
}

func TestInvoke_BrokenEnvironmentOnlyWhenThereIsNoOther(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		for _, a := range b.background(b.Context(), fn, "1s", "2s") {
			<-a
		}
		b.opened[1].set(environment.Broken) // the most recently used
		if id := b.mustInvoke(fn); id != 0 {
			b.Errorf("served by environment %d, whose runtime has to be started", id)
		}
		b.opened[0].set(environment.Broken)
		if id := b.mustInvoke(fn); id != 0 {
			b.Errorf("served by environment %d; a broken one is better than a new one", id)
		}
	})
}

func TestInvoke_EnvironmentThatDiesIsDiscarded(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		running := b.background(b.Context(), fn, "1s")
		b.opened[0].set(environment.Dead) // the sandbox is lost during the event
		<-running[0]
		synctest.Wait()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("served by environment %d", id)
		}
	})
}

var errNoSandbox = errors.New("no sandbox to be had")

func TestInvoke_FailedStartReachesOneWaiter(t *testing.T) {
	bubble(t, pool.Options{MaxStarting: 8}, func(b *bench) {
		failures := 1
		b.openErr = func(*hearth.Function) error {
			<-time.After(time.Second)
			b.mu.Lock()
			defer b.mu.Unlock()
			if failures--; failures >= 0 {
				return errNoSandbox
			}
			return nil
		}
		failed := 0
		for _, a := range b.background(b.Context(), function("f"), repeat("1s", 5)...) {
			switch got := <-a; {
			case errors.Is(got.err, errNoSandbox):
				failed++
			case got.err != nil:
				b.Error(got)
			}
		}
		if failed != 1 {
			b.Errorf("one start failed, and %d invocations", failed)
		}
		b.check()
	})
}

func TestInvoke_SandboxThatDoesNotSurviveItsInitIsNotStartedAgain(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.initDies = true
		if _, err := b.invoke(function("f")); !errors.Is(err, environment.ErrDead) {
			b.Errorf("got %v", err)
		}
		if opened, _ := b.count(); opened != 1 {
			b.Errorf("%d starts", opened)
		}
		b.check()
	})
}

func TestInvoke_CallerThatGivesUpLeavesTheLine(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.init = time.Minute
		ctx, cancel := context.WithCancelCause(b.Context())
		gone := errors.New("client is gone")
		answers := b.background(ctx, function("f"), "1s")
		cancel(gone)
		if got := <-answers[0]; !errors.Is(got.err, gone) || got.at != 0 {
			b.Error(got)
		}
		b.check()
		wait(time.Minute)
		if s := b.pool.Stats(); s.Idle != 1 || s.Active != 0 {
			b.Errorf("its environment is not kept for others: %+v", s)
		}
	})
}

func TestInvoke_WhileClosedIsRefused(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.pool.Close()
		if _, err := b.invoke(function("f")); !errors.Is(err, hearth.ErrUnavailable) {
			b.Errorf("got %v", err)
		}
	})
}
