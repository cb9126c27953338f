package queue_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/queue"
)

func newClock() *clock.Test { return clock.NewTest(noon) }

// slow answers after some real time and counts how many do so at a time.
func slow(d time.Duration, most *atomic.Int64) func(context.Context, run) (hearth.Result, error) {
	var now atomic.Int64
	return func(context.Context, run) (hearth.Result, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-time.After(d)
		return ok("1"), nil
	}
}

func TestFlood_OfOneFunction_DelaysAnotherByOneEvent(t *testing.T) {
	bubble(t, queue.Options{MaxRunning: 4, MaxPerFunction: 4}, func(b *bench) {
		var most atomic.Int64
		b.answer = slow(time.Second, &most)
		for i := range 1000 {
			if err := b.try("flood", fmt.Sprint(i)); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		if err := b.try("other", "other"); err != nil {
			b.Fatal(err)
		}
		for {
			synctest.Wait()
			b.mu.Lock()
			last := b.runs[len(b.runs)-1]
			found := false
			for _, r := range b.runs {
				found = found || r.function == "other"
			}
			b.mu.Unlock()
			if found {
				break
			}
			if time.Since(start) > 2*time.Second {
				b.Fatalf("not run after %v; the last was %+v", time.Since(start), last)
			}
			<-time.After(100 * time.Millisecond)
		}
	})
}

func TestFlood_IsBoundedPerFunction(t *testing.T) {
	bubble(t, queue.Options{MaxRunning: 100, MaxPerFunction: 5}, func(b *bench) {
		var most atomic.Int64
		b.answer = slow(time.Minute, &most)
		for i := range 50 {
			if err := b.try("f", fmt.Sprint(i)); err != nil {
				b.Fatal(err)
			}
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if most.Load() != 5 || len(b.runs) != 50 {
			b.Errorf("%d at a time, %d in all", most.Load(), len(b.runs))
		}
	})
}

func TestBacklog_OfASlowFunction_GetsMoreAtATime(t *testing.T) {
	bubble(t, queue.Options{MaxRunning: 100}, func(b *bench) {
		var most atomic.Int64
		b.answer = slow(time.Minute, &most)
		for i := range 500 {
			if err := b.try("f", fmt.Sprint(i)); err != nil {
				b.Fatal(err)
			}
		}
		synctest.Wait()
		if n := most.Load(); n != 8 {
			b.Errorf("%d at a time at first", n)
		}
		<-time.After(10 * time.Hour)
		synctest.Wait()
		if n := most.Load(); n != 50 || len(b.runs) != 500 {
			b.Errorf("%d at a time, %d in all", n, len(b.runs))
		}
	})
}

func TestBacklog_OfAQuickFunction_StaysNarrow(t *testing.T) {
	bubble(t, queue.Options{MaxRunning: 100}, func(b *bench) {
		var most atomic.Int64
		b.answer = slow(time.Millisecond, &most)
		for i := range 500 {
			if err := b.try("f", fmt.Sprint(i)); err != nil {
				b.Fatal(err)
			}
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if n := most.Load(); n > 8 || len(b.runs) != 500 {
			b.Errorf("%d at a time, %d in all", n, len(b.runs))
		}
	})
}
