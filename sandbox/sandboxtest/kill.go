package sandboxtest

import (
	"path"
	"strings"
	"syscall"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// killCases are about processes that try to outlive their sandbox.
func killCases() []testCase {
	return []testCase{
		{name: "KillAll_Descendants_AllDie", real: true, run: killTree},
		{name: "KillAll_ParentEnded_OrphansDie", real: true, run: killOrphans},
		{name: "KillAll_Tmp_IsKept", real: true, run: killKeepsTmp},
		{name: "Close_Descendants_AllDie", real: true, run: closeTree},
		{name: "Orphans_End_LeaveNoZombie", real: true, linux: true, run: orphansReaped},
	}
}

// killTree ends a child, a grandchild, a process group of its own, and a
// daemon that was forked twice and has its own session.
func killTree(b *bench) {
	x := b.box(b.spec())
	x.start("tree").ready(probe.TreeSize)
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	if alive := processesOf(x.ID()); len(alive) > sandboxOwn(b, alive) {
		b.Errorf("alive after KillAll: %q", alive)
	}
	x.usable()
}

// killOrphans kills the first process alone, so that its descendants belong to
// nobody when KillAll comes.
func killOrphans(b *bench) {
	x := b.box(b.spec())
	p := x.start("tree").ready(probe.TreeSize)
	if err := p.Signal(syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	p.exit()
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	if alive := processesOf(x.ID()); len(alive) > sandboxOwn(b, alive) {
		b.Errorf("alive after KillAll: %q", alive)
	}
	x.usable()
}

// sandboxOwn counts the processes that are the driver's and not the probe's:
// a sandbox may have a first process that lives as long as itself.
func sandboxOwn(b *bench, alive []string) int {
	b.Helper()
	n := 0
	for _, process := range alive {
		if !strings.Contains(process, "/"+ProbeName+" ") {
			n++
		}
	}
	return n
}

func killKeepsTmp(b *bench) {
	x := b.box(b.spec())
	file := path.Join(x.Paths().Tmp, "kept")
	x.output("write", file, "across resets")
	x.start("hold").ready(1)
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	if got := strings.Join(x.output("cat", file), "\n"); got != "across resets" {
		b.Errorf("got %q", got)
	}
}

func closeTree(b *bench) {
	x := b.box(b.spec())
	x.start("tree").ready(probe.TreeSize)
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	b.noTraces(x.ID())
}

// orphansReaped leaves children behind that end after their parent. Where the
// sandbox has its own processes, somebody in it must wait for them; elsewhere
// that is the host's first process, and only the driver's own are checked.
func orphansReaped(b *bench) {
	x := b.box(b.spec())
	if exit := x.start("orphans", "20").exit(); exit != (sandbox.Exit{}) {
		b.Fatalf("orphans ended with %+v", exit)
	}
	if b.caps.Processes {
		b.eventually("no zombie in the sandbox", func() bool { return len(x.output("zombies")) == 0 })
	}
	b.eventually("no zombie is a child of the driver", func() bool { return zombieChildren() == 0 })
}
