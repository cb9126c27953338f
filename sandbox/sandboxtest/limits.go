package sandboxtest

import (
	"fmt"
	"path"
	"syscall"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// limitCases are about the limits in a Spec.
func limitCases() []testCase {
	return []testCase{
		{name: "Memory_Exceeded_KillsAndCounts", real: true, run: memoryLimit,
			needs: func(c sandbox.Capabilities) bool { return c.Memory }},
		{name: "Memory_InUse_IsMeasured", real: true, run: memoryMeasured},
		{name: "Memory_OfFilesInTmp_IsNotInUse", real: true, run: memoryOfFiles,
			needs: func(c sandbox.Capabilities) bool { return c.Memory }},
		{name: "Memory_KillAll_KeepsLimit", real: true, run: memoryLimitStays,
			needs: func(c sandbox.Capabilities) bool { return c.Memory }},
		{name: "CPU_Share_IsBounded", real: true, run: cpuLimit,
			needs: func(c sandbox.Capabilities) bool { return c.CPU }},
		{name: "Pids_Exceeded_ForkFails", real: true, run: pidsLimit,
			needs: func(c sandbox.Capabilities) bool { return c.Pids }},
		{name: "Tmp_Full_IsNoSpace", real: true, run: tmpLimit,
			needs: func(c sandbox.Capabilities) bool { return c.TmpQuota }},
		{name: "Tmp_KillAll_KeepsLimit", real: true, run: tmpLimitStays,
			needs: func(c sandbox.Capabilities) bool { return c.TmpQuota }},
		{name: "Tmp_LargerThanMemory_CanBeFilled", real: true, run: tmpIsNotMemory,
			needs: func(c sandbox.Capabilities) bool { return c.TmpQuota && c.Memory }},
	}
}

const mib = 1 << 20

func memoryLimit(b *bench) {
	spec := b.spec()
	spec.MemoryBytes = 64 * mib
	x := b.box(spec)
	overrun(b, x)
	use, err := x.Usage()
	if err != nil {
		b.Fatal(err)
	}
	if use.OOMKills == 0 {
		b.Error("Usage counts no OOM kill")
	}
	// Kernels round the limit to pages and charge a little late.
	if use.MemoryPeak < 32*mib || use.MemoryPeak > 80*mib {
		b.Errorf("peak is %d MiB, the limit 64", use.MemoryPeak/mib)
	}
	x.usable()
}

// Whatever a host can enforce: a peak is known, and is still when the process
// has ended.
func memoryMeasured(b *bench) {
	x := b.box(b.spec())
	p := x.start("hold").ready(1)
	peak := func() int64 {
		use, err := x.Usage()
		if err != nil {
			b.Fatal(err)
		}
		return use.MemoryPeak
	}
	running := peak()
	if running < 100<<10 || running > 512*mib {
		b.Errorf("peak of a process that does nothing: %d bytes", running)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	p.exit()
	if after := peak(); after < running {
		b.Errorf("the peak was %d bytes and is %d", running, after)
	}
}

// What was written to files stays in memory as long as there is room, and is
// not what the processes use.
func memoryOfFiles(b *bench) {
	spec := b.spec()
	spec.MemoryBytes = 512 * mib
	x := b.box(spec)
	var wrote probe.Fill
	x.decode(&wrote, "fill", path.Join(x.Paths().Tmp, "file"), fmt.Sprint(128*mib))
	if wrote.Written < 128*mib {
		b.Fatalf("wrote %d bytes: %s", wrote.Written, wrote.Err)
	}
	use, err := x.Usage()
	if err != nil {
		b.Fatal(err)
	}
	if use.MemoryPeak > 64*mib || use.MemoryPeak < 100<<10 {
		b.Errorf("peak is %d KiB", use.MemoryPeak>>10)
	}
	x.usable()
}

func memoryLimitStays(b *bench) {
	spec := b.spec()
	spec.MemoryBytes = 64 * mib
	x := b.box(spec)
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	overrun(b, x)
}

// overrun runs a process over a limit of 64 MiB.
func overrun(b *bench, x *box) {
	b.Helper()
	if got := x.start("alloc", fmt.Sprint(256*mib)).exit(); got.Signal != syscall.SIGKILL {
		b.Errorf("process over its memory limit ended with %+v, want SIGKILL", got)
	}
}

func cpuLimit(b *bench) {
	spec := b.spec()
	spec.CPU = 0.1
	x := b.box(spec)
	var use probe.CPU
	x.decode(&use, "burn", "1000")
	// The kernel hands out a whole period first; three times the share is
	// generous and still far from a core.
	if share := use.Used.Seconds() / use.Wall.Seconds(); share > 0.3 {
		b.Errorf("used %.2f of a core, the limit is 0.1", share)
	}
}

func pidsLimit(b *bench) {
	const limit = 32
	spec := b.spec()
	spec.MaxProcesses = limit
	x := b.box(spec)
	cmd := x.command()
	cmd.Args = []string{"/bin/sh", "-c", `
		sleep 0 || exit 9
		i=0; while [ $i -lt 100 ]; do sleep 300 & i=$((i+1)); done
		echo all; wait`}
	p, err := x.tryStart(cmd)
	if err != nil {
		b.Fatal(err)
	}
	select {
	case line, ok := <-p.lines:
		if ok {
			b.Errorf("the shell started them: %q", line)
		}
	case <-p.Done(): // "Cannot fork"
		if p.Exit().Code == 9 {
			b.Fatal("no sleep(1) in the sandbox")
		}
	}
	if n := len(processesOf(x.ID())); isLinux && (n == 0 || n > limit) {
		b.Errorf("%d processes under a limit of %d", n, limit)
	}
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	x.usable()
}

func tmpLimit(b *bench) {
	spec := b.spec()
	spec.TmpBytes = 16 * mib
	x := b.box(spec)
	overfill(b, x, 16)
	x.usable()
}

func tmpLimitStays(b *bench) {
	spec := b.spec()
	spec.TmpBytes = 32 * mib
	x := b.box(spec)
	var half probe.Fill
	x.decode(&half, "fill", path.Join(x.Paths().Tmp, "first"), fmt.Sprint(16*mib))
	if half.Err != "" {
		b.Fatalf("16 MiB in a /tmp of 32: %s", half.Err)
	}
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	overfill(b, x, 16)
}

func tmpIsNotMemory(b *bench) {
	spec := b.spec()
	spec.MemoryBytes = 64 * mib
	spec.TmpBytes = 256 * mib
	x := b.box(spec)
	overfill(b, x, 256)
	use, err := x.Usage()
	if err != nil {
		b.Fatal(err)
	}
	if use.OOMKills > 0 {
		b.Errorf("filling /tmp was %d times out of memory", use.OOMKills)
	}
	x.usable()
}

// overfill fills /tmp, in which there is room for so many MiB.
func overfill(b *bench, x *box, room int64) {
	b.Helper()
	var got probe.Fill
	x.decode(&got, "fill", path.Join(x.Paths().Tmp, "big"), fmt.Sprint(2*room*mib))
	if !got.Full {
		b.Errorf("wrote %d bytes to a /tmp of %d MiB: %q", got.Written, room, got.Err)
	}
	// AWS gives what was asked for; file system overhead may cost a little.
	if got.Written < (room-4)*mib || got.Written > (room+4)*mib {
		b.Errorf("%d MiB of /tmp took %d bytes", room, got.Written)
	}
}
