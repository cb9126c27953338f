package pool_test

import (
	"testing"
	"time"

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
