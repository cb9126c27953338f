package sandboxtest

import (
	"syscall"

	"github.com/hearthd/hearth/sandbox"
)

// freezeCases are about sandboxes that stop and continue.
func freezeCases() []testCase {
	claimed := func(c sandbox.Capabilities) bool { return c.Freeze }
	return []testCase{
		{name: "Freeze_Claimed_MeansFreezer", run: freezerClaimed},
		{name: "Freeze_Process_StopsAndGoesOn", needs: claimed, run: freezeEcho},
		{name: "Freeze_BusyProcess_UsesNoCPU", needs: claimed, real: true, linux: true, run: freezeCPU},
		{name: "Freeze_KillAll_Works", needs: claimed, run: freezeKillAll},
		{name: "Freeze_Close_Works", needs: claimed, run: freezeClose},
		{name: "Freeze_Twice_IsFine", needs: claimed, run: freezeTwice},
	}
}

func freezerClaimed(b *bench) {
	if _, ok := b.box(b.spec()).Sandbox.(sandbox.Freezer); ok != b.caps.Freeze {
		b.Errorf("sandbox is a Freezer: %v; driver claims Freeze: %v", ok, b.caps.Freeze)
	}
}

func (x *box) freeze() {
	x.b.Helper()
	if err := x.Sandbox.(sandbox.Freezer).Freeze(); err != nil {
		x.b.Fatalf("freeze: %v", err)
	}
}

func (x *box) thaw() {
	x.b.Helper()
	if err := x.Sandbox.(sandbox.Freezer).Thaw(); err != nil {
		x.b.Fatalf("thaw: %v", err)
	}
}

func freezeEcho(b *bench) {
	x := b.box(b.spec())
	_, e := x.echo()
	x.freeze()
	// A simulated connection has no buffer: the line may only leave once the
	// process reads again.
	sent := make(chan struct{})
	x.readers.Go(func() { // ends at the thaw below
		defer close(sent)
		e.send("one")
	})
	if got := e.receive(restraint); got != "" {
		b.Errorf("a frozen process answered %q", got)
	}
	x.thaw()
	<-sent
	if got := e.receive(patience); got != "one" {
		b.Errorf("after the thaw: got %q", got)
	}
}

func freezeCPU(b *bench) {
	x := b.box(b.spec())
	p := x.start("spin").ready(1)
	x.freeze()
	before := cpuTicks(x.ID())
	b.eventually("some time passes", after(20))
	if used := cpuTicks(x.ID()) - before; used > 0 {
		b.Errorf("frozen processes used %d ticks", used)
	}
	x.thaw()
	b.eventually("the process runs again", func() bool { return cpuTicks(x.ID()) > before })
	if err := p.Signal(syscall.SIGKILL); err != nil {
		b.Error(err)
	}
	p.exit()
}

// after returns a condition that holds at its n-th evaluation.
func after(n int) func() bool {
	return func() bool { n--; return n <= 0 }
}

func freezeKillAll(b *bench) {
	x := b.box(b.spec())
	p := x.start("hold").ready(1)
	x.freeze()
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	if got := p.exit(); got.Signal != syscall.SIGKILL {
		b.Errorf("got %+v, want SIGKILL", got)
	}
	x.usable() // a reset sandbox is not a frozen one
}

func freezeClose(b *bench) {
	x := b.box(b.spec())
	p := x.start("hold").ready(1)
	x.freeze()
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	p.exit()
}

func freezeTwice(b *bench) {
	x := b.box(b.spec())
	x.freeze()
	x.freeze()
	x.thaw()
	x.thaw()
	x.usable()
}
