package environment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/sandbox"
)

// run is one runtime process and its session.
type run struct {
	session *runtimeapi.Session
	proc    sandbox.Process
	pumps   [2]*pump
	dead    bool // guarded by Environment.mu: the process has ended
	stop    sync.Once
}

func (r *run) drain() {
	r.pumps[0].drain()
	r.pumps[1].drain()
}

// waitPumps waits until the output of the processes, which are dead, has been
// read. Every run goes through it.
func (r *run) waitPumps() {
	giveUp := make(chan struct{})
	timer := time.AfterFunc(outputTimeout, func() { close(giveUp) })
	defer timer.Stop()
	for _, p := range r.pumps {
		p.wait(giveUp)
	}
}

// outputTimeout is how long the output of dead processes is waited for. It
// ends at once, unless a process got away from a driver that cannot hold it
// and keeps the pipe open.
const outputTimeout = time.Second

// Init runs the init phase. It reports whether the runtime is ready; when it
// is not, the environment is Broken and the next Invoke tries again. Call it
// once.
func (e *Environment) Init() bool {
	if !e.enter() {
		return false
	}
	defer e.wg.Done()
	e.mu.Lock()
	if e.state != New {
		e.mu.Unlock()
		return false
	}
	e.state = Initializing
	e.mu.Unlock()

	began := time.Now()
	r, _ := e.initialize(hearth.PhaseInit, InitTimeout)
	e.mu.Lock()
	switch {
	case e.state == Dead:
	case r == nil || r.dead:
		e.state = Broken
	default:
		e.state, e.initTook = Idle, time.Since(began)
	}
	ok := e.state == Idle
	e.mu.Unlock()
	if r != nil && !ok {
		e.stopRun(r) // its children must not run on in an idle environment
	}
	return ok
}

// initialize starts the runtime and waits until it asks for its first event.
// On failure everything it started is killed and run is nil.
func (e *Environment) initialize(phase string, budget time.Duration) (*run, verdict) {
	began := time.Now()
	e.record(&hearth.PlatformEvent{Kind: hearth.EventInitStart, Phase: phase})
	r, v := e.start(began.Add(budget))
	if r != nil {
		v = e.awaitReady(r, time.Until(began.Add(budget)))
		if v.status == hearth.StatusSuccess {
			r.drain() // what was written during the init belongs before its end
		} else {
			e.stopRun(r)
			r = nil
		}
	}
	if r == nil {
		v = e.unlessDead(v)
	}
	e.record(&hearth.PlatformEvent{Kind: hearth.EventInitRuntimeDone, Phase: phase, Status: v.status, ErrorType: v.errorType})
	e.record(&hearth.PlatformEvent{Kind: hearth.EventInitReport, Phase: phase, Status: v.status, ErrorType: v.errorType, Duration: time.Since(began)})
	return r, v
}

// start starts the runtime process in a new session. The run it returns is
// e.run and watched.
func (e *Environment) start(deadline time.Time) (*run, verdict) {
	if old := e.takeRun(); old != nil {
		e.stopRun(old)
	}
	cmd, err := e.opts.Launch.Command(e.box.Paths())
	if err != nil {
		return nil, e.startVerdict(cmd, err)
	}
	r := &run{session: e.server.Begin()}
	if err := e.openPumps(r); err != nil {
		return nil, e.startVerdict(cmd, err)
	}
	ctx, cancel := context.WithDeadline(e.ctx, deadline)
	defer cancel()
	r.proc, err = e.box.Start(ctx, sandbox.Command{
		Args: cmd.Args, Env: e.variables(cmd), Dir: cmd.Dir,
		Stdout: r.pumps[0].write, Stderr: r.pumps[1].write,
	})
	// The process has its own copies.
	_ = r.pumps[0].write.Close()
	_ = r.pumps[1].write.Close()
	if err != nil {
		r.waitPumps()
		return nil, e.startVerdict(cmd, err)
	}
	e.mu.Lock()
	e.run = r
	e.mu.Unlock()
	if e.enter() {
		go e.watch(r) // owned by Close through enter
	}
	return r, verdict{}
}

// openPumps makes the output pipes of a run and starts to read them. The
// goroutines end with the last process that holds the pipes; waitPumps waits
// for them.
func (e *Environment) openPumps(r *run) error {
	for i := range r.pumps {
		p, err := newPump(func(line []byte) { e.opts.Recorder.Output(hearth.SourceFunction, line) })
		if err != nil {
			if i > 0 {
				_ = r.pumps[0].write.Close()
				<-r.pumps[0].done
			}
			return err
		}
		r.pumps[i] = p
		go p.run() // owned by the run: waitPumps
	}
	return nil
}

// awaitReady waits for the runtime's first /next, or for what comes instead.
func (e *Environment) awaitReady(r *run, budget time.Duration) verdict {
	timer := time.NewTimer(budget)
	defer timer.Stop()
	select {
	case <-r.session.Ready():
		return verdict{status: hearth.StatusSuccess}
	case resp := <-r.session.InitError():
		return initErrorVerdict(resp)
	case <-r.proc.Done():
		select {
		case resp := <-r.session.InitError(): // posted, then exited
			return initErrorVerdict(resp)
		case <-r.session.Ready(): // polled, then exited: the next Invoke sees it
			return verdict{status: hearth.StatusSuccess}
		default:
			return e.exitVerdict(r.proc.Exit())
		}
	case <-timer.C:
		return timeoutVerdict(e.opts.Function.Timeout)
	case <-e.ctx.Done():
		return e.deadVerdict()
	}
}

// watch notices the end of a runtime process.
func (e *Environment) watch(r *run) {
	defer e.wg.Done()
	select {
	case <-r.proc.Done():
	case <-e.ctx.Done():
		return
	}
	e.mu.Lock()
	r.dead = true
	var busy, last *invocation
	if e.run == r {
		if e.state == Idle {
			e.state = Broken
		}
		// While initializing, awaitReady sees the end; before the hand-over,
		// Invoke does.
		last = e.active
		busy = e.claimLocked()
	}
	e.mu.Unlock()
	if busy != nil {
		v := e.exitVerdict(r.proc.Exit())
		if !busy.call.Delivered() {
			v.err = fmt.Errorf("%w: %s", ErrNotDelivered, v.message)
		}
		e.fail(busy, v)
		return
	}
	if last != nil {
		<-last.done // somebody else ends it, and may find the runtime dead
	}
	e.mu.Lock()
	idle := e.run == r && e.state == Broken
	e.mu.Unlock()
	if idle {
		e.stopRun(r) // its children must not run on in an idle environment
	}
}

// stopRun kills every process of the sandbox and waits until the output of the
// run has been read. Concurrent callers all wait. A sandbox that cannot be
// cleared is closed: the environment is dead.
func (e *Environment) stopRun(r *run) {
	r.stop.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), killTimeout)
		defer cancel()
		if err := e.box.KillAll(ctx); err != nil && !errors.Is(err, sandbox.ErrClosed) {
			e.opts.Logger.Error("kill processes of environment", "environment", e.opts.ID, "error", err)
			e.mu.Lock()
			e.state = Dead
			e.mu.Unlock()
			_ = e.box.Close()
		}
		r.session.End()
		r.waitPumps()
	})
}

// killTimeout is how long SIGKILL may take: only a process stuck in the kernel
// needs more than milliseconds.
const killTimeout = 10 * time.Second

// startVerdict tells a command that cannot be executed, which is the
// function's fault, from a host that cannot execute it.
func (e *Environment) startVerdict(cmd Command, err error) verdict {
	v := verdict{status: hearth.StatusError}
	path := ""
	if len(cmd.Args) > 0 {
		path = cmd.Args[0]
	}
	switch {
	case errors.Is(err, sandbox.ErrEntrypoint) && path == "":
		v.errorType, v.message = "Runtime.InvalidEntrypoint", err.Error()
	case errors.Is(err, sandbox.ErrEntrypoint):
		v.errorType, v.message = "Runtime.InvalidEntrypoint", "fork/exec "+path+": "+errnoText(err)
	case errors.Is(err, sandbox.ErrWorkingDir):
		v.errorType, v.message = "Runtime.InvalidWorkingDir", "chdir "+cmd.Dir+": "+errnoText(err)
	default:
		return hostVerdict(fmt.Errorf("start runtime in %s: %w", e.opts.ID, err))
	}
	return v
}

func errnoText(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return syscall.ENOENT.Error()
}
