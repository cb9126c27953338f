package flusher_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/telemetry/flusher"
)

// counts is how often the functions of a Flusher were called.
type counts struct{ flushes, prunes atomic.Int32 }

func start(c *counts) *flusher.Flusher {
	return flusher.Start(flusher.Options{
		Every: time.Second,
		Flush: func() { c.flushes.Add(1) },
		Prune: func(time.Time) { c.prunes.Add(1) },
	})
}

func (c *counts) want(t *testing.T, flushes, prunes int32) {
	t.Helper()
	synctest.Wait()
	if f, p := c.flushes.Load(), c.prunes.Load(); f != flushes || p != prunes {
		t.Errorf("%d flushes and %d prunes, want %d and %d", f, p, flushes, prunes)
	}
}

func TestFlusher_Woken_FlushesOnceAndSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		f := start(&c)
		defer f.Close()
		<-time.After(time.Minute)
		c.want(t, 0, 1)
		f.Wake()
		f.Wake()
		<-time.After(time.Second - 1)
		c.want(t, 0, 1)
		<-time.After(2)
		c.want(t, 1, 1)
		<-time.After(time.Minute)
		c.want(t, 1, 1)
	})
}

func TestFlusher_PrunesAtTheStartAndHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		f := start(&c)
		defer f.Close()
		c.want(t, 0, 1)
		<-time.After(2*time.Hour + time.Minute)
		c.want(t, 0, 3)
	})
}

func TestClose_FlushesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counts
		f := start(&c)
		f.Wake()
		f.Close()
		c.want(t, 1, 1)
		f.Close()
		f.Wake()
		<-time.After(time.Hour)
		c.want(t, 1, 1)
		<-f.Done()
	})
}
