//go:build linux

package resident_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hearthd/hearth/internal/resident"
)

func TestPeak_KnownAllocation_IsSeen(t *testing.T) {
	const size = 64 << 20
	before := resident.Peak(os.Getpid())
	b := make([]byte, size)
	for i := range b {
		b[i] = 1
	}
	if got := resident.Peak(os.Getpid()); got < max(size, before) || got > before+8*size || b[0] == 0 {
		t.Errorf("%d bytes after %d and another %d", got, before, size)
	}
}

func TestPeak_NoProcess_IsZero(t *testing.T) {
	if got := resident.Peak(1 << 30); got != 0 {
		t.Errorf("got %d", got)
	}
	if got := resident.PeakBelow(1 << 30); got != 0 {
		t.Errorf("below: %d", got)
	}
}

func TestPeakBelow_Child_IsMeasured(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, below := resident.Peak(cmd.Process.Pid), resident.PeakBelow(os.Getpid())
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if child == 0 || below < child {
		t.Errorf("the child has %d, those below %d", child, below)
	}
}

func TestFiles_SameProgram_CountsOnce(t *testing.T) {
	one := resident.Files([]int{os.Getpid()})
	if one < 512<<10 || one > resident.Peak(os.Getpid()) {
		t.Errorf("the test program has %d bytes of files", one)
	}
	if two := resident.Files([]int{os.Getpid(), os.Getpid(), 1 << 30}); two < one/2 || two > one+one/2 {
		t.Errorf("twice: %d, once: %d", two, one)
	}
}

func TestFiles_AnotherProgram_Counts(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	// The program has nothing in memory yet when Start returns.
	for range 500 {
		if resident.Files([]int{cmd.Process.Pid}) >= 256<<10 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	self, other := resident.Files([]int{os.Getpid()}), resident.Files([]int{cmd.Process.Pid})
	both := resident.Files([]int{os.Getpid(), cmd.Process.Pid})
	if other == 0 || both < self+other/2 {
		t.Errorf("%d and %d bytes of files are %d together", self, other, both)
	}
}
