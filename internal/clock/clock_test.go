package clock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/internal/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// whats are the words of what fired, with the minutes since noon.
func whats(fired []clock.Firing) (got []string) {
	for _, f := range fired {
		got = append(got, fmt.Sprintf("%s at %v", f.What, f.At.Sub(noon)))
	}
	return got
}

func advance(t *testing.T, c *clock.Test, d time.Duration) clock.Report {
	t.Helper()
	r, err := c.Advance(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAdvance_FiresInOrderAtTheirTimes(t *testing.T) {
	c := clock.NewTest(noon)
	var calls []string
	arm := func(d time.Duration, what string) {
		c.AfterFunc(d, what, func() { calls = append(calls, fmt.Sprintf("%s at %v", what, c.Now().Sub(noon))) })
	}
	arm(3*time.Minute, "third")
	arm(time.Minute, "first")
	arm(time.Minute, "second")
	arm(5*time.Minute, "later")
	r := advance(t, c, 4*time.Minute)
	want := []string{"first at 1m0s", "second at 1m0s", "third at 3m0s"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls: %s", diff)
	}
	if diff := cmp.Diff(want, whats(r.Fired)); diff != "" {
		t.Errorf("report: %s", diff)
	}
	if !r.From.Equal(noon) || !r.To.Equal(noon.Add(4*time.Minute)) || !c.Now().Equal(r.To) {
		t.Errorf("from %v to %v, now %v", r.From, r.To, c.Now())
	}
	if diff := cmp.Diff([]string{"later at 5m0s"}, whats(c.Pending(9))); diff != "" {
		t.Errorf("pending: %s", diff)
	}
}

func TestAdvance_TimersThatTimersArm_FireInTheSameAdvance(t *testing.T) {
	c := clock.NewTest(noon)
	c.AfterFunc(time.Minute, "first", func() { c.AfterFunc(2*time.Minute, "second", func() {}) })
	r := advance(t, c, 3*time.Minute)
	if diff := cmp.Diff([]string{"first at 1m0s", "second at 3m0s"}, whats(r.Fired)); diff != "" {
		t.Error(diff)
	}
}

// slot is settled when it can be taken.
type slot chan struct{}

func (s slot) Settle(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		<-s
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestAdvance_WaitsForWhatWasSetGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewTest(noon)
		working := make(chan struct{}, 1)
		c.AddSettler(slot(working))
		c.AfterFunc(time.Minute, "attempt", func() {
			working <- struct{}{}
			go func() { // the settling above waits for it
				<-time.After(time.Second)
				c.AfterFunc(2*time.Minute, "retry", func() {})
				<-working
			}()
		})
		r := advance(t, c, 3*time.Minute)
		if diff := cmp.Diff([]string{"attempt at 1m0s", "retry at 3m0s"}, whats(r.Fired)); diff != "" {
			t.Error(diff)
		}
	})
}

// counted is always settled, and counts who wants to know.
type counted struct{ asked int }

func (c *counted) Settle(context.Context) error {
	c.asked++
	return nil
}

func TestAddSettler_Removed_IsNotWaitedFor(t *testing.T) {
	c := clock.NewTest(noon)
	var first, second counted
	remove := c.AddSettler(&first)
	c.AddSettler(&second)
	remove()
	remove() // which does not remove another one
	advance(t, c, time.Hour)
	if first.asked != 0 || second.asked == 0 {
		t.Errorf("the one that was removed was asked %d times, the other %d times", first.asked, second.asked)
	}
}

func TestAdvance_ContextEnds_StaysWhereItCame(t *testing.T) {
	c := clock.NewTest(noon)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	c.AfterFunc(time.Minute, "end", func() { cancel(enough) })
	c.AfterFunc(2*time.Minute, "never", func() { t.Error("fired after the end") })
	r, err := c.Advance(ctx, time.Hour)
	if !errors.Is(err, enough) || !r.To.Equal(noon.Add(time.Minute)) || !c.Now().Equal(r.To) {
		t.Errorf("%v at %v, now %v", err, r.To, c.Now())
	}
}

func TestAdvance_Backwards_IsRefused(t *testing.T) {
	c := clock.NewTest(noon)
	if _, err := c.Advance(t.Context(), -time.Second); !errors.Is(err, clock.ErrBackwards) || !c.Now().Equal(noon) {
		t.Errorf("%v, now %v", err, c.Now())
	}
}

func TestAdvance_ManyTimers_NamesTheFirstThousand(t *testing.T) {
	c := clock.NewTest(noon)
	var again func()
	again = func() { c.AfterFunc(time.Second, "tick", again) }
	again()
	r := advance(t, c, 1500*time.Second)
	if len(r.Fired) != 1000 || r.More != 500 {
		t.Errorf("%d named, %d more", len(r.Fired), r.More)
	}
}

func TestAfterFunc_Overdue_FiresWithTheNextAdvance(t *testing.T) {
	c := clock.NewTest(noon)
	c.AfterFunc(-time.Hour, "overdue", func() {})
	if diff := cmp.Diff([]string{"overdue at 0s"}, whats(advance(t, c, 0).Fired)); diff != "" {
		t.Error(diff)
	}
}

func TestTimer_Stopped_DoesNotFire(t *testing.T) {
	c := clock.NewTest(noon)
	timer := c.AfterFunc(time.Minute, "stopped", func() { t.Error("fired") })
	if !timer.Stop() || timer.Stop() {
		t.Error("Stop: want true, then false")
	}
	advance(t, c, time.Hour)
}

func TestTimer_Reset_FiresOnceAtTheNewTime(t *testing.T) {
	c := clock.NewTest(noon)
	timer := c.AfterFunc(time.Minute, "reset", func() {})
	if !timer.Reset(10 * time.Minute) {
		t.Error("Reset of an armed timer: want true")
	}
	if diff := cmp.Diff([]string{"reset at 10m0s"}, whats(advance(t, c, time.Hour).Fired)); diff != "" {
		t.Error(diff)
	}
	if timer.Reset(time.Minute) {
		t.Error("Reset of a timer that has fired: want false")
	}
	if diff := cmp.Diff([]string{"reset at 1h1m0s"}, whats(advance(t, c, time.Hour).Fired)); diff != "" {
		t.Error(diff)
	}
}

func TestReal_AfterFunc_CallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, called := time.Now(), make(chan time.Time, 1)
		var c clock.Real
		c.AfterFunc(time.Minute, "", func() { called <- c.Now() })
		if took := (<-called).Sub(start); took != time.Minute {
			t.Errorf("called after %v", took)
		}
	})
}
