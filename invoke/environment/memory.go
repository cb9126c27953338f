package environment

import (
	"sync"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// memoryGauge reads the sandbox's peak memory at most every so often: the
// figure is in every REPORT line, the reading is two orders of magnitude
// dearer than the rest of the line.
type memoryGauge struct {
	mu   sync.Mutex
	at   time.Time
	peak int64
	own  int64
	ooms int64
}

const memoryGaugeAge = 100 * time.Millisecond

// peakMB returns the peak in whole MB, rounded up as in REPORT lines; read
// anew when asked to be, or when the last reading is old.
func (g *memoryGauge) peakMB(box sandbox.Sandbox, fresh bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if fresh || time.Since(g.at) > memoryGaugeAge {
		g.readLocked(box)
	}
	return megabytes(g.peak)
}

// ownMB is the peak of what the host has for this sandbox alone, as of the last
// reading.
func (g *memoryGauge) ownMB() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return megabytes(g.own)
}

func megabytes(bytes int64) int { return int((bytes + 1<<20 - 1) >> 20) }

// newOOM reads and reports whether a process was killed for its memory since
// the last reading.
func (g *memoryGauge) newOOM(box sandbox.Sandbox) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.ooms
	g.readLocked(box)
	return g.ooms > before
}

func (g *memoryGauge) readLocked(box sandbox.Sandbox) {
	g.at = time.Now()
	if u, err := box.Usage(); err == nil {
		g.peak, g.own, g.ooms = u.MemoryPeak, u.MemoryOwn, u.OOMKills
	}
}

// maxMemoryUsed is the figure of REPORT lines. What processes have mapped of files does
// not count against the sandbox's limit, where other sandboxes had it first: with it
// the figure could be above the function's memory size, as no one expects it to be.
func (e *Environment) maxMemoryUsed(fresh bool) int {
	return min(e.memory.peakMB(e.box, fresh), e.opts.Function.MemorySize)
}
