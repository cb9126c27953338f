package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/pool"
)

// advance moves a clock, and then real time, for what that set going.
func (b *bench) advance(c *clock.Test, d time.Duration) {
	b.Helper()
	if _, err := c.Advance(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	wait(time.Millisecond)
}

func TestIdle_ClosedByTheClock(t *testing.T) {
	c := clock.NewTest(time.Now())
	bubble(t, pool.Options{IdleTimeout: time.Minute, Clock: c}, func(b *bench) {
		b.mustInvoke(function("f"))
		wait(time.Hour)
		b.advance(c, time.Minute-1)
		if s := b.pool.Stats(); s.Idle != 1 {
			b.Errorf("before its time: %+v", s)
		}
		b.advance(c, 1)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestIdle_UsedMeanwhile_ClosedByTheClockLater(t *testing.T) {
	c := clock.NewTest(time.Now())
	bubble(t, pool.Options{IdleTimeout: time.Minute, Clock: c}, func(b *bench) {
		for range 3 {
			if id := b.mustInvoke(function("f")); id != 0 {
				b.Fatalf("served by environment %d", id)
			}
			b.advance(c, 40*time.Second)
		}
		b.advance(c, 20*time.Second)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestIdle_FrozenByRealTime(t *testing.T) {
	c := clock.NewTest(time.Now())
	bubble(t, pool.Options{Clock: c}, func(b *bench) {
		b.mustInvoke(function("f"))
		b.advance(c, time.Minute)
		if n := b.frozen(0); n != 0 {
			b.Errorf("frozen %d times by the clock", n)
		}
		wait(time.Second)
		if n := b.frozen(0); n != 1 {
			b.Errorf("frozen %d times", n)
		}
	})
}

// longIdle keeps environments from being closed for anything but their age.
const longIdle = 1000 * time.Hour

func TestAge_IdleOne_IsClosedByTheClock(t *testing.T) {
	c := clock.NewTest(time.Now())
	bubble(t, pool.Options{IdleTimeout: longIdle, MaxAge: 4 * time.Hour, Clock: c}, func(b *bench) {
		b.mustInvoke(function("f"))
		wait(10 * time.Hour)
		b.advance(c, 4*time.Hour-1)
		if s := b.pool.Stats(); s.Idle != 1 {
			b.Errorf("before its time: %+v", s)
		}
		b.advance(c, 1)
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestAge_BusyOne_FinishesAndIsClosed(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: longIdle, MaxAge: time.Hour}, func(b *bench) {
		fn := function("f")
		got := <-b.background(b.Context(), fn, "2h")[0]
		if got.err != nil || got.at != 2*time.Hour {
			b.Error(got)
		}
		synctest.Wait()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("served by environment %d", id)
		}
	})
}

func TestAge_UnderConstantLoad_TakesNoEventAfterIt(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: longIdle, MaxAge: time.Hour, MaxMemory: 128, QueueTimeout: longIdle}, func(b *bench) {
		b.maxAge = time.Hour
		for _, a := range b.background(b.Context(), function("f"), repeat("7m", 30)...) {
			if got := <-a; got.err != nil {
				b.Error(got)
			}
		}
		if opened, _ := b.count(); opened != 4 { // 9 of 7 minutes begin within an hour
			b.Errorf("%d environments", opened)
		}
	})
}

func TestAge_ThoseThatCameTogether_DoNotGoTogether(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: longIdle, MaxAge: 160 * time.Minute}, func(b *bench) {
		for _, a := range b.background(b.Context(), function("f"), repeat("1s", 16)...) {
			<-a
		}
		for age := 145 * time.Minute; age <= 160*time.Minute; age += time.Minute {
			wait(age - time.Since(b.opened[0].ready) + time.Millisecond)
			if _, closed := b.count(); closed != int(age/time.Minute)-144 {
				b.Errorf("%d closed after %s", closed, age)
			}
		}
	})
}

func TestAge_Provisioned_IsReplacedAhead(t *testing.T) {
	bubble(t, pool.Options{IdleTimeout: time.Minute, MaxAge: 8 * time.Hour}, func(b *bench) {
		b.init = time.Minute
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(b.init + 7*time.Hour - time.Second)
		if opened, _ := b.count(); opened != 1 {
			b.Errorf("%d opened before the time", opened)
		}
		wait(2 * time.Second) // the successor starts
		began := time.Now()
		if id := b.mustInvoke(fn); id != 0 || time.Since(began) > 0 {
			b.Errorf("environment %d answered after %s", id, time.Since(began))
		}
		if got := b.pool.Provisioned(fn); got.Available != 1 || got.Allocated != 1 {
			b.Errorf("%+v", got)
		}
		wait(b.init)
		b.check()
		if opened, closed := b.count(); opened != 2 || closed != 1 || !b.opened[0].isClosed() {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
		if id := b.mustInvoke(fn); id != 1 || b.opened[1].initType != hearth.InitProvisioned {
			b.Errorf("environment %d answered; the second was initialised as %s", id, b.opened[1].initType)
		}
	})
}

func TestAge_ProvisionedAtWork_SuccessorIsNotOneMore(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Hour}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Reserve(fn.Name, reserve(1))
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(7*time.Hour - time.Minute)
		running := b.background(b.Context(), fn, "15m")
		wait(10 * time.Minute)
		b.check()
		if opened, closed := b.count(); opened != 2 || closed != 0 {
			b.Errorf("at work: opened %d, closed %d", opened, closed)
		}
		if _, err := b.invoke(fn); !isReservedThrottle(err) {
			b.Errorf("a second at a time: %v", err)
		}
		if got := <-running[0]; got.err != nil || got.id != 0 {
			b.Error(got)
		}
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("environment %d answered", id)
		}
		synctest.Wait()
		b.check()
		if opened, closed := b.count(); opened != 2 || closed != 1 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
	})
}

// A freeze that takes long is not counted on any more by those who wait; the
// environment is not idle for all that.
func TestAge_ProvisionedIsFrozenForLong_SuccessorTakesOver(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Second, IdleTimeout: longIdle}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(time.Second)
		b.mustInvoke(function("g")) // its end has the clock call in a little more than 8 s
		wait(time.Second)
		b.freeze = 10 * time.Second
		if got := <-b.background(b.Context(), fn, "4400ms")[0]; got.err != nil { // to be frozen from 6.9 s on
			b.Error(got)
		}
		wait(800 * time.Millisecond) // the successor waits
		b.check()
		if got := <-b.background(b.Context(), fn, "1s")[0]; got.err != nil || got.id == 0 {
			b.Error(got)
		}
		wait(time.Second)
		b.check()
		wait(10 * time.Second)
		b.check()
		if !b.opened[0].isClosed() {
			b.Error("the old one is left")
		}
	})
}

func TestAge_ProvisionedAtWorkFromTheBeginning_IsReplacedAhead(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Hour, MaxStarting: 1}, func(b *bench) {
		b.init = time.Second
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		running := b.background(b.Context(), fn, "9h") // its own start waits for a slot
		if got := <-running[0]; got.err != nil || got.id != 0 {
			b.Error(got)
		}
		began := time.Now()
		if id := b.mustInvoke(fn); id != 1 || time.Since(began) > 0 {
			b.Errorf("environment %d answered after %s", id, time.Since(began))
		}
		b.check()
	})
}

func TestAge_ProvisionedWithoutRoomForAnother_GoesFirst(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Hour, MaxMemory: 128}, func(b *bench) {
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(8*time.Hour - time.Second)
		if opened, _ := b.count(); opened != 1 {
			b.Errorf("%d opened", opened)
		}
		wait(2 * time.Second)
		b.check()
		if opened, closed := b.count(); opened != 2 || closed != 1 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
	})
}

func TestAge_SuccessorThatFails_IsTriedAgain(t *testing.T) {
	starts := 0
	bubble(t, pool.Options{MaxAge: 8 * time.Hour}, func(b *bench) {
		b.openErr = func(*hearth.Function) error {
			if starts++; starts == 2 {
				return errNoSandbox
			}
			return nil
		}
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 1}})
		wait(7 * time.Hour)
		if got := b.pool.Provisioned(fn); !errors.Is(got.Err, errNoSandbox) || got.Available != 1 {
			b.Errorf("%+v", got)
		}
		wait(time.Minute)
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("environment %d answered", id)
		}
		b.check()
	})
}

func TestAge_ManagedAtWork_FinishesBesideItsSuccessor(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Hour, IdleTimeout: longIdle, QueueTimeout: longIdle}, func(b *bench) {
		b.init = time.Minute
		fn := managed("f", 4)
		b.mustInvoke(fn)
		wait(7*time.Hour - time.Second)
		running := b.background(b.Context(), fn, "1h")
		wait(30 * time.Second) // the successor starts
		began := time.Now()
		if id := b.mustInvoke(fn); id != 0 || time.Since(began) > 0 {
			b.Errorf("environment %d answered after %s", id, time.Since(began))
		}
		wait(time.Minute)
		if id := b.mustInvoke(fn); id != 1 {
			b.Errorf("environment %d answered", id)
		}
		if b.opened[0].isClosed() {
			b.Error("closed at work")
		}
		b.check()
		if got := <-running[0]; got.err != nil || got.id != 0 {
			b.Error(got)
		}
		synctest.Wait()
		if opened, closed := b.count(); opened != 2 || closed != 1 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
	})
}

func TestAge_ManagedThatIsProvisioned_IsReplacedAhead(t *testing.T) {
	bubble(t, pool.Options{MaxAge: 8 * time.Hour}, func(b *bench) {
		fn := managed("f", 4)
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 2, Max: 2}})
		wait(9 * time.Hour)
		b.check()
		if opened, closed := b.count(); opened != 4 || closed != 2 {
			b.Errorf("opened %d, closed %d", opened, closed)
		}
	})
}

func TestAge_ClockThatIsAdvancedFar_LeavesWhatIsProvisioned(t *testing.T) {
	c := clock.NewTest(time.Now())
	bubble(t, pool.Options{MaxAge: 4 * time.Hour, Clock: c}, func(b *bench) {
		c.AddSettler(b.pool)
		b.init = time.Second
		fn := version("f", "1")
		b.pool.Provision(fn.Name, []pool.ProvisionTarget{{Function: fn, Requested: 3}})
		if _, err := c.Advance(b.Context(), 24*time.Hour); err != nil {
			b.Fatal(err)
		}
		if got := b.pool.Provisioned(fn); got.Available != 3 {
			b.Errorf("%+v", got)
		}
		b.check()
		if opened, _ := b.count(); opened < 3*6 {
			b.Errorf("%d environments in a day", opened)
		}
	})
}
