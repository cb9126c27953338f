package daemon

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heap is a heap whose usage tests set.
type heap struct {
	mu    sync.Mutex
	now   usage
	freed int
}

func (h *heap) usage() usage {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *heap) free() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.freed++
	h.now.spare = 0
}

// watched runs a reclaimer, and passes what becomes of the heap, from look to look.
func watched(t *testing.T, looks ...usage) (freed []int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &heap{}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { (&reclaimer{usage: h.usage, free: h.free}).run(ctx) })
		synctest.Wait()
		for _, look := range looks {
			h.mu.Lock()
			h.now.allocated += look.allocated
			h.now.spare += look.spare
			h.mu.Unlock()
			<-time.After(reclaimEvery)
			synctest.Wait()
			freed = append(freed, h.freed)
		}
		cancel()
		wg.Wait()
	})
	return freed
}

func TestReclaimer_Busy_LeavesTheHeapAlone(t *testing.T) {
	busy := usage{allocated: quietBelow, spare: reclaimAbove}
	if got := watched(t, busy, busy, busy); got[2] != 0 {
		t.Errorf("freed %v", got)
	}
}

func TestReclaimer_QuietAfterwards_GivesBack(t *testing.T) {
	got := watched(t, usage{allocated: 1 << 30, spare: 1 << 30}, usage{}, usage{}, usage{allocated: 1000, spare: 1000})
	if got[0] != 0 || got[1] != 1 || got[3] != 1 {
		t.Errorf("freed %v", got)
	}
}

func TestReclaimer_QuietForLong_GivesBackWhatCachesLetGoOf(t *testing.T) {
	looks := make([]usage, 4*reclaimAgain)
	looks[0].spare = reclaimAbove + 1
	got := watched(t, looks...)
	if got[0] != 1 || got[reclaimAgain-1] != 1 || got[reclaimAgain] != 2 || got[len(got)-1] != 2 {
		t.Errorf("freed %v", got)
	}
}

func TestReclaimer_LittleToGiveBack_LeavesTheHeapAlone(t *testing.T) {
	if got := watched(t, usage{allocated: 1000, spare: reclaimAbove}); got[0] != 0 {
		t.Errorf("freed %v", got)
	}
}

// The figures of the runtime are those that the reclaimer takes them for.
func TestHeapUsage_Garbage_IsSpareUntilFreed(t *testing.T) {
	const size = 64 << 20
	r := newReclaimer()
	r.free()
	before := r.usage()
	garbage := make([]byte, size)
	garbage[0] = 1
	held := r.usage()
	runtime.KeepAlive(garbage)
	r.free()
	after := r.usage()
	if held.allocated-before.allocated < size || held.spare < size/2 {
		t.Errorf("held %+v, before %+v", held, before)
	}
	if after.spare > size/2 {
		t.Errorf("after %+v", after)
	}
}
