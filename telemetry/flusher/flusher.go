// Package flusher owns the goroutine of a store that gathers in memory and
// writes a few times a second: it calls the store's Flush soon after something
// was gathered, its Prune now and then, and Flush once more at the end. While
// nothing is gathered it sleeps.
//
//	gather ─► Wake ─ at most Every ─► Flush
//	                       hourly ──► Prune
//	          Close ────────────────► Flush, the last one
package flusher

import (
	"sync"
	"time"
)

// pruneEvery is how often Prune is called.
const pruneEvery = time.Hour

// Options of a Flusher. All are required. The functions are called by one
// goroutine, one at a time.
type Options struct {
	// Every is how long after Wake, at the most, Flush is called.
	Every time.Duration
	Flush func()
	// Prune removes what is too old. It is called at the start, too.
	Prune func(now time.Time)
}

// Flusher is a running writer. Close it.
type Flusher struct {
	opts Options
	wake chan struct{} // capacity 1
	stop chan struct{} // closed by Close
	done chan struct{} // closed behind the last Flush
	once sync.Once
}

// Start begins with Prune and waits for Wake.
func Start(opts Options) *Flusher {
	f := &Flusher{opts: opts, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go f.run() // Close waits for it
	return f
}

// Wake says that there is something to flush, after there was nothing. It does
// not wait.
func (f *Flusher) Wake() {
	select {
	case f.wake <- struct{}{}:
	default: // woken already
	}
}

// Close has what was gathered before it flushed, and waits. It may be called
// again.
func (f *Flusher) Close() {
	f.once.Do(func() { close(f.stop) })
	<-f.done
}

// Done returns a channel that is closed behind the last Flush.
func (f *Flusher) Done() <-chan struct{} { return f.done }

func (f *Flusher) run() {
	defer close(f.done)
	flush := time.NewTimer(f.opts.Every)
	flush.Stop() // armed by Wake: an idle daemon does nothing
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	f.opts.Prune(time.Now())
	for {
		select {
		case <-f.wake:
			flush.Reset(f.opts.Every)
		case <-flush.C:
			f.opts.Flush()
		case now := <-prune.C:
			f.opts.Prune(now)
		case <-f.stop:
			flush.Stop()
			f.opts.Flush()
			return
		}
	}
}
