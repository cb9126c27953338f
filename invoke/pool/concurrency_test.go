package pool_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

func reserve(n int) *hearth.ReservedConcurrency { return &hearth.ReservedConcurrency{Executions: n} }

func isReservedThrottle(err error) bool {
	throttle, ok := errors.AsType[*hearth.Throttle](err)
	return ok && throttle.Reason == hearth.ThrottleReservedConcurrency && throttle.RetryAfter == 0
}

// version returns a version of a function.
func version(name, version string) *hearth.Function {
	fn := function(name)
	fn.Version = version
	return fn
}

func TestReserve_Zero_ThrottlesEverything(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := function("f")
		b.mustInvoke(fn)
		b.pool.Reserve(fn.Name, reserve(0))
		b.check()
		if _, err := b.invoke(fn); !isReservedThrottle(err) {
			b.Errorf("with an idle environment: %v", err)
		}
		b.pool.Reserve(fn.Name, nil)
		b.mustInvoke(fn)
	})
}

func TestReserve_IsForAllVersionsTogether(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.pool.Reserve(function("f").Name, reserve(2))
		one := b.background(b.Context(), version("f", "1"), "1h")
		two := b.background(b.Context(), version("f", "2"), "1h")
		b.check()
		if _, err := b.invoke(version("f", "3")); !isReservedThrottle(err) {
			b.Errorf("a third: %v", err)
		}
		if <-one[0]; (<-two[0]).err != nil {
			b.Error("the second failed")
		}
		b.mustInvoke(version("f", "3"))
	})
}

func TestReserve_OthersCannotHaveIt(t *testing.T) {
	bubble(t, pool.Options{MaxConcurrency: 10}, func(b *bench) {
		b.pool.Reserve(function("f").Name, reserve(8))
		others := b.background(b.Context(), function("g"), "1h", "1h")
		if _, err := b.invoke(function("g")); !isThrottle(err) {
			b.Errorf("beyond what is not reserved: %v", err)
		}
		own := b.background(b.Context(), function("f"), repeat("1h", 8)...)
		b.check()
		if _, err := b.invoke(function("f")); !isReservedThrottle(err) {
			b.Errorf("beyond what is reserved: %v", err)
		}
		for _, a := range append(own, others...) {
			if got := <-a; got.err != nil {
				b.Error(got)
			}
		}
	})
}

func TestReserve_WhileInvocationsRun_CountsThem(t *testing.T) {
	bubble(t, pool.Options{MaxConcurrency: 4}, func(b *bench) {
		running := b.background(b.Context(), function("f"), "1h", "1h", "1h")
		b.pool.Reserve(function("f").Name, reserve(2))
		b.check()
		if _, err := b.invoke(function("f")); !isReservedThrottle(err) {
			b.Errorf("above the reserve already: %v", err)
		}
		b.background(b.Context(), function("g"), "1m", "1m")
		if _, err := b.invoke(function("g")); !isThrottle(err) {
			b.Errorf("two of four are reserved: %v", err)
		}
		for _, a := range running {
			<-a
		}
	})
}

func TestReserve_AccountsAndRegionsAreApart(t *testing.T) {
	bubble(t, pool.Options{MaxConcurrency: 1}, func(b *bench) {
		here, there := function("f"), function("f")
		there.Name.Region = "us-east-1"
		first := b.background(b.Context(), here, "1h")
		if _, err := b.invoke(here); !isThrottle(err) {
			b.Errorf("here: %v", err)
		}
		b.mustInvoke(there)
		<-first[0]
	})
}

func TestProvision_KeepsEnvironmentsInitialised(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: time.Minute}, func(b *bench) {
		b.init = time.Second
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 2}})
		if got := b.pool.Provisioned(fn); got != (pool.Provisioned{Requested: 2, Allocated: 2}) {
			b.Errorf("at first: %+v", got)
		}
		wait(time.Hour)
		b.check()
		if got := b.pool.Provisioned(fn); got != (pool.Provisioned{Requested: 2, Allocated: 2, Available: 2}) {
			b.Errorf("later: %+v", got)
		}
		if opened, closed := b.count(); opened != 2 || closed != 0 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
		if got := b.opened[0].initType; got != hearth.InitProvisioned {
			b.Errorf("initialization type %s", got)
		}
		began := time.Now()
		b.mustInvoke(fn)
		if took := time.Since(began); took > 0 {
			b.Errorf("a provisioned environment answered after %s", took)
		}
	})
}

func TestProvision_MoreInvocations_SpillOver(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		first := b.background(b.Context(), fn, "1h")
		b.check()
		second := b.mustInvoke(fn)
		if got := b.opened[second].initType; got != hearth.InitOnDemand {
			b.Errorf("the second ran on %s", got)
		}
		if got := (<-first[0]).id; got != 0 {
			b.Errorf("the first ran on environment %d", got)
		}
		if got := b.mustInvoke(fn); got != 0 {
			b.Errorf("with both idle, environment %d was taken", got)
		}
	})
}

func TestProvision_AllOfTheReserve_LeavesNothingForOtherVersions(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Reserve(fn.Name, reserve(1))
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		if _, err := b.invoke(function("f")); !isReservedThrottle(err) {
			b.Errorf("$LATEST: %v", err)
		}
		running := b.background(b.Context(), fn, "1h")
		if _, err := b.invoke(fn); !isReservedThrottle(err) {
			b.Errorf("a second of the version: %v", err)
		}
		<-running[0]
		b.mustInvoke(fn)
	})
}

func TestProvision_CallerThatComesBackAtOnce_IsNotThrottled(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.linger = 20 * time.Millisecond
		fn := version("f", "1")
		b.pool.Reserve(fn.Name, reserve(1))
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		for range 5 {
			if got := b.mustInvoke(fn); got != 0 {
				b.Errorf("environment %d", got)
			}
			b.check()
		}
	})
}

func TestProvision_OneThatIsFreeInAMoment_IsNotForOtherVersions(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := version("f", "1")
		b.mustInvoke(function("f")) // so that one of $LATEST is idle
		b.pool.Reserve(fn.Name, reserve(1))
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		b.linger = 20 * time.Millisecond
		b.mustInvoke(fn)
		b.check()
		if _, err := b.invoke(function("f")); !isReservedThrottle(err) {
			b.Errorf("$LATEST: %v", err)
		}
	})
}

func TestProvision_CallerDuringTheFreeze_IsNotThrottled(t *testing.T) {
	bubble(t, pool.Options{FreezeAfter: time.Second}, func(b *bench) {
		b.freeze = 50 * time.Millisecond
		fn := version("f", "1")
		b.pool.Reserve(fn.Name, reserve(1))
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(1020 * time.Millisecond)
		b.check()
		if got := b.mustInvoke(fn); got != 0 {
			b.Errorf("environment %d", got)
		}
	})
}

func TestProvision_TakesFromWhatIsShared(t *testing.T) {
	bubble(t, pool.Options{MaxConcurrency: 3}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 2}})
		running := b.background(b.Context(), function("g"), "1h")
		if _, err := b.invoke(function("g")); !isThrottle(err) {
			b.Errorf("beyond what is left: %v", err)
		}
		b.mustInvoke(fn)
		<-running[0]
	})
}

func TestProvision_DeadOne_IsReplaced(t *testing.T) {
	for _, how := range []environment.State{environment.Dead, environment.Broken} {
		t.Run(how.String(), func(t *testing.T) {
			bubble(t, pool.Options{}, func(b *bench) {
				fn := version("f", "1")
				b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
				wait(10 * time.Second)
				b.opened[0].set(how)
				wait(2 * time.Second)
				b.check()
				if opened, closed := b.count(); opened != 2 || closed != 1 {
					b.Errorf("opened %d, closed %d", opened, closed)
				}
			})
		})
	}
}

func TestProvision_FailedStarts_AreToldAndRetried(t *testing.T) {
	var works atomic.Bool
	bubble(t, pool.Options{}, func(b *bench) {
		b.openErr = func(*hearth.Function) error {
			if !works.Load() {
				return errNoSandbox
			}
			return nil
		}
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		synctest.Wait()
		if got := b.pool.Provisioned(fn); !errors.Is(got.Err, errNoSandbox) || got.Available != 0 {
			b.Errorf("%+v", got)
		}
		wait(500 * time.Millisecond)
		works.Store(true)
		wait(time.Second)
		if got := b.pool.Provisioned(fn); got.Err != nil || got.Available != 1 {
			b.Errorf("later: %+v", got)
		}
	})
}

func TestProvision_InProgress_InvocationsRunOnDemand(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.initAhead = time.Minute
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 2}})
		synctest.Wait()
		began := time.Now()
		id := b.mustInvoke(fn)
		if got, took := b.opened[id].initType, time.Since(began); got != hearth.InitOnDemand || took > 0 {
			b.Errorf("ran on %s after %s", got, took)
		}
		b.check()
		wait(time.Minute)
		if got := b.pool.Provisioned(fn); got.Available != 2 {
			b.Errorf("later: %+v", got)
		}
		if got := b.opened[b.mustInvoke(fn)].initType; got != hearth.InitProvisioned {
			b.Errorf("later it ran on %s", got)
		}
	})
}

// A function may fail only where it is provisioned: it must go on to work elsewhere.
func TestProvision_FailingInits_InvocationsRunOnDemand(t *testing.T) {
	for name, fail := range map[string]func(h *host){
		"at once":             func(h *host) { h.aheadIs = environment.Broken },
		"late":                func(h *host) { h.aheadIs, h.initAhead = environment.Broken, 3*time.Second },
		"without the sandbox": func(h *host) { h.aheadIs, h.initAhead = environment.Dead, 10*time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, pool.Options{IdleTimeout: 2 * time.Second}, func(b *bench) {
				fail(b.host)
				b.init, b.work = 20*time.Millisecond, 10*time.Millisecond
				fn := version("f", "1")
				b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 2}})
				for range 100 { // through the pauses, and on environments old and new
					for _, a := range b.background(b.Context(), fn, "", "", "") {
						if got := <-a; got.err != nil || b.opened[got.id].initType != hearth.InitOnDemand || got.at > 30*time.Millisecond {
							b.Fatalf("%v, on %s", got, b.opened[max(got.id, 0)].initType)
						}
					}
					b.check()
					wait(700 * time.Millisecond)
				}
				if got := b.pool.Provisioned(fn); got.Err == nil || got.Available != 0 {
					b.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestProvision_Fewer_ClosesTheIdleOnes(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 3}})
		wait(time.Second)
		running := b.background(b.Context(), fn, "1m")
		b.pool.Provision(fn.Name, nil)
		synctest.Wait()
		b.check()
		if opened, closed := b.count(); opened != 3 || closed != 2 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
		if got := b.pool.Provisioned(fn); got != (pool.Provisioned{}) {
			b.Errorf("%+v", got)
		}
		if got := <-running[0]; got.err != nil {
			b.Error(got)
		}
	})
}

func TestProvision_Moved_StartsTheOtherVersion(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		one, two := version("f", "1"), version("f", "2")
		b.pool.Provision(one.Name, []pool.ProvisionTarget{{Function: one, Requested: 2}})
		wait(time.Second)
		b.pool.Provision(one.Name, []pool.ProvisionTarget{{Function: two, Requested: 2}})
		wait(time.Second)
		b.check()
		if got := b.pool.Provisioned(two).Available; got != 2 {
			b.Errorf("%d of the second version", got)
		}
		if s := b.pool.Stats(); s.Environments != 2 {
			b.Errorf("%+v", s)
		}
	})
}

func TestProvision_RoomIsNotMadeOfThem(t *testing.T) {
	bubble(t, pool.Options{MaxMemory: 256, QueueTimeout: time.Second}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		b.mustInvoke(function("g"))
		b.mustInvoke(function("h")) // in the place of g's
		synctest.Wait()
		if b.opened[0].isClosed() || !b.opened[1].isClosed() {
			b.Error("the provisioned one had to go")
		}
	})
}

// managed is a function whose environments take n events at a time.
func managed(name string, n int) *hearth.Function {
	fn := function(name)
	fn.Managed = &hearth.ManagedInstances{MaxConcurrency: n}
	return fn
}

func TestManaged_EnvironmentTakesSeveral(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.init = time.Second
		answers := b.background(b.Context(), managed("f", 4), repeat("1h", 9)...)
		wait(2 * time.Second)
		b.check()
		ids := map[int]int{}
		for _, a := range answers {
			got := <-a
			if got.err != nil {
				b.Error(got)
			}
			ids[got.id]++
		}
		if len(ids) != 3 || ids[0] > 4 || ids[1] > 4 || ids[2] > 4 {
			b.Errorf("invocations by environment: %v", ids)
		}
		if got := b.opened[0].initType; got != hearth.InitManaged {
			b.Errorf("initialization type %s", got)
		}
	})
}

func TestManaged_BeyondMax_Waits(t *testing.T) {
	bubble(t, pool.Options{QueueTimeout: time.Hour}, func(b *bench) {
		fn := managed("f", 2)
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Max: 1}})
		answers := b.background(b.Context(), fn, repeat("1m", 5)...)
		b.check()
		var last time.Duration
		for _, a := range answers {
			got := <-a
			if got.err != nil || got.id != 0 {
				b.Error(got)
			}
			last = max(last, got.at)
		}
		if last != 3*time.Minute {
			b.Errorf("the last had its answer after %s", last)
		}
	})
}

func TestManaged_IsNeverFrozenButClosedWhenIdle(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: time.Minute}, func(b *bench) {
		fn := managed("f", 2)
		b.mustInvoke(fn)
		running := b.background(b.Context(), fn, "5m")
		wait(3 * time.Minute)
		if b.opened[0].frozen != 0 || b.opened[0].isClosed() {
			b.Error("frozen or closed at work")
		}
		<-running[0]
		wait(2 * time.Minute)
		if b.opened[0].frozen != 0 || !b.opened[0].isClosed() {
			b.Error("frozen, or not closed")
		}
	})
}

func TestManaged_DeathOfOne_TakesItsInvocationsAlone(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		fn := managed("f", 2)
		answers := b.background(b.Context(), fn, repeat("1h", 4)...)
		b.check()
		b.opened[0].Close()
		failed := 0
		for _, a := range answers {
			if got := <-a; got.err != nil {
				failed++
			}
			b.check()
		}
		if failed != 2 {
			b.Errorf("%d of 4 failed", failed)
		}
	})
}
