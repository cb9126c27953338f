package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/hearthd/hearth/sandbox"
)

// endCases are about how processes and sandboxes end.
func endCases() []testCase {
	return []testCase{
		{name: "Exit_Code_IsReported", run: exitCode},
		{name: "Exit_Signal_IsReported", run: exitSignal},
		{name: "Exit_Storm_EachReportedOnce", run: exitStorm},
		{name: "Signal_EndedProcess_IsErrProcessDone", run: signalEnded},
		{name: "KillAll_NothingRuns_IsFine", run: killNothing},
		{name: "KillAll_Processes_EndAndSandboxStays", run: killProcesses},
		{name: "Close_Twice_AndAtOnce", run: closeTwice},
		{name: "Close_Running_EndsEverything", run: closeRunning},
		{name: "Close_ManyTimes_LeaksNoDescriptors", linux: true, run: closeDescriptors},
		{name: "Driver_Close_ClosesSandboxes", run: closeDriver},
	}
}

func exitCode(b *bench) {
	x := b.box(b.spec())
	for _, code := range []int{0, 1, 7, 255} {
		got := x.start("exit", fmt.Sprint(code)).exit()
		if want := (sandbox.Exit{Code: code}); got != want {
			b.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func exitSignal(b *bench) {
	x := b.box(b.spec())
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p := x.start("hold").ready(1)
		if err := p.Signal(sig); err != nil {
			b.Fatal(err)
		}
		if got := p.exit(); got.Signal != sig {
			b.Errorf("got %+v, want signal %v", got, sig)
		}
	}
}

// exitStorm starts and ends many short processes from several goroutines: a
// driver that mixes up reports, or loses one, is found out.
func exitStorm(b *bench) {
	const total, workers = 1000, 8
	x := b.box(b.spec())
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < total; i += workers {
				p, err := x.Start(b.Context(), x.command("exit", fmt.Sprint(i%100)))
				if err != nil {
					b.Errorf("start: %v", err)
					return
				}
				<-p.Done()
				if got, want := p.Exit(), (sandbox.Exit{Code: i % 100}); got != want {
					b.Errorf("process %d: got %+v, want %+v", i, got, want)
				}
			}
		})
	}
	wg.Wait()
}

func signalEnded(b *bench) {
	p := b.box(b.spec()).start("exit", "0")
	p.exit()
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		b.Errorf("got %v, want os.ErrProcessDone", err)
	}
}

func killNothing(b *bench) {
	x := b.box(b.spec())
	if err := x.KillAll(b.bounded()); err != nil {
		b.Error(err)
	}
	x.usable()
}

func killProcesses(b *bench) {
	x := b.box(b.spec())
	var procs []*proc
	for range 3 {
		procs = append(procs, x.start("hold").ready(1))
	}
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	for _, p := range procs {
		if got := p.exit(); got.Signal != syscall.SIGKILL {
			b.Errorf("got %+v, want SIGKILL", got)
		}
	}
	select {
	case <-x.Done():
		b.Error("the sandbox is done after KillAll")
	default:
	}
	x.usable()
}

func closeTwice(b *bench) {
	x := b.box(b.spec())
	x.start("hold").ready(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := x.Close(); err != nil {
				b.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
	if err := x.Close(); err != nil {
		b.Errorf("close again: %v", err)
	}
}

func closeRunning(b *bench) {
	x := b.box(b.spec())
	p := x.start("hold").ready(1)
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	select {
	case <-p.Done():
	default:
		b.Error("Close returned before the process was reported as ended")
	}
	select {
	case <-x.Done():
	default:
		b.Error("Done is open after Close")
	}
	if _, err := x.Listener().Accept(); err == nil {
		b.Error("the listener accepts after Close")
	}
	if _, err := x.tryStart(x.command("exit", "0")); !errors.Is(err, sandbox.ErrClosed) {
		b.Errorf("start after Close: got %v, want ErrClosed", err)
	}
	if err := x.KillAll(b.bounded()); err != nil && !errors.Is(err, sandbox.ErrClosed) {
		b.Errorf("KillAll after Close: %v", err)
	}
}

func closeDriver(b *bench) {
	x, y := b.box(b.spec()), b.box(b.spec())
	p := x.start("hold").ready(1)
	if err := b.driver.Close(); err != nil {
		b.Fatal(err)
	}
	for _, done := range []<-chan struct{}{x.Done(), y.Done(), p.Done()} {
		select {
		case <-done:
		default:
			b.Error("something outlives the driver")
		}
	}
	if _, err := b.driver.Create(b.Context(), b.spec()); err == nil {
		b.Error("a closed driver makes sandboxes")
	}
}

func closeDescriptors(b *bench) {
	cycle := func() {
		sb, err := b.driver.Create(b.Context(), b.spec())
		if err != nil {
			b.Fatal(err)
		}
		x := &box{Sandbox: sb, b: b}
		p, err := x.Start(b.Context(), x.command("exit", "0"))
		if err != nil {
			b.Error(err)
		} else {
			<-p.Done()
		}
		if err := sb.Close(); err != nil {
			b.Error(err)
		}
	}
	cycle() // whatever is opened once is open now
	before := openFiles()
	for range 8 {
		cycle()
	}
	b.eventually("as many descriptors as before", func() bool { return openFiles() <= before })
}
