package daemon

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How the daemon's memory is collected: see tuneMemory.
const (
	gcPercent   = 400
	memoryLimit = 256 << 20 // bytes
)

// tuneMemory sets the garbage collector up, as far as GOGC and GOMEMLIMIT of the
// environment do not. The daemon's heap is small and its garbage short-lived:
// collecting at twice the live heap, Go's default, would run the collector ten
// times a second under load. Uploads are the exception: the store keeps what was
// written in the last ten seconds, in buffers of megabytes. Where the heap nears the
// limit it is collected as often as it takes to stay there, so that garbage does not
// multiply them by five. What a busy time leaves behind is given back by a reclaimer.
func tuneMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// When memory is given back: see reclaimer.
const (
	reclaimEvery = 5 * time.Second
	// quietBelow is how many bytes are allocated between two looks at most in a
	// time that is quiet. A collection would be of little use before there is no more
	// garbage to come, and take time from those who are waiting.
	quietBelow = 4 << 20
	// reclaimAbove is how many bytes there have to be to give back.
	reclaimAbove = 8 << 20
	// reclaimAgain is after how many further looks memory is given back once more:
	// caches, the store's above all, let go of what they have only after a while, and
	// their content counts as alive until the next collection.
	reclaimAgain = 3
)

// reclaimer gives back to the system, in quiet times, what a busy time took. Left
// alone, Go collects only when the heap has grown again, or after two minutes, and
// then keeps the room that it expects to need: five times the live heap here.
type reclaimer struct {
	usage func() usage
	free  func() // collects, and gives back what is free then
}

// usage is what the heap has, in bytes.
type usage struct {
	allocated uint64 // by now, all in all
	spare     uint64 // garbage as far as known, and what is free and was not given back
}

func newReclaimer() *reclaimer { return &reclaimer{usage: heapUsage, free: freeMemory} }

// freeMemory collects twice: what is in a sync.Pool outlives one collection, and the
// store has buffers of 8 MiB in such pools.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// run looks at the heap until ctx ends.
func (r *reclaimer) run(ctx context.Context) {
	tick := time.NewTicker(reclaimEvery)
	defer tick.Stop()
	last, again := r.usage().allocated, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		u := r.usage()
		if quiet := u.allocated-last < quietBelow; quiet {
			again--
			if u.spare > reclaimAbove {
				r.free()
				again = reclaimAgain
			} else if again == 0 {
				r.free()
			}
		}
		last = u.allocated
	}
}

// heapUsage asks the runtime, which does not stop for it.
func heapUsage() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	allocated, free, objects, live := samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64(), samples[3].Value.Uint64()
	return usage{allocated: allocated, spare: free + objects - min(live, objects)}
}
