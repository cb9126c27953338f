package environment

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
)

// Init runs the init phase. It reports whether the runtime and the extensions
// are ready; when they are not, the environment is Broken and the next Invoke
// tries again. Call it once.
func (e *Environment) Init() bool {
	if !e.enter() {
		return false
	}
	defer e.wg.Done()
	e.mu.Lock()
	began := e.state == New && e.toLocked(Initializing)
	e.mu.Unlock()
	if !began {
		return false
	}
	since := time.Now()
	r, v := e.initialize(hearth.PhaseInit, e.opts.start.limit(e))
	ok := e.endInit(r, v, time.Since(since))
	if r != nil && !ok {
		e.stopRun(r, v.reason()) // nothing must run on in an idle environment
	}
	return ok
}

// endInit is the transition at the end of the init phase. It reports whether the
// environment is Idle.
func (e *Environment) endInit(r *run, v verdict, took time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.status == hearth.StatusSuccess && r.state != runUp { // ended after its first poll
		v = r.failure
	}
	if v.status != hearth.StatusSuccess {
		if e.toLocked(Broken) {
			e.initFailure = &v
		}
		return false
	}
	if !e.toLocked(Idle) {
		return false
	}
	e.initTook = took
	return true
}

// failureOfInit is how the init phase failed; nil when it did not.
func (e *Environment) failureOfInit() *verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.initFailure
}

// takeInit is what the init phase took, for the first invocation to report.
func (e *Environment) takeInit() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	took := e.initTook
	e.initTook = 0
	return took
}

// initialize brings up the processes of a new run, and waits until they ask for
// their first event. When the verdict is not success, the caller must stop the
// run, which may be nil.
func (e *Environment) initialize(phase string, budget time.Duration) (*run, verdict) {
	began, start := time.Now(), e.opts.start
	kinds := start.events()
	e.recordInit(&hearth.PlatformEvent{Kind: kinds.start, Phase: phase})
	r := e.newRun(start)
	if r == nil {
		v := e.deadVerdict()
		e.recordInit(&hearth.PlatformEvent{
			Kind: kinds.report, Phase: phase, Status: v.status, ErrorType: v.errorType, Duration: time.Since(began),
		})
		return nil, v
	}
	reached, v := start.bringUp(e, r, began.Add(budget))
	took := time.Since(began)
	if v.status == hearth.StatusSuccess || len(e.extensions) > 0 {
		e.drain(r) // what was written during the init belongs before its end
	} else {
		e.stopRun(r, v.reason()) // or else it could write still
	}
	if v.status != hearth.StatusSuccess {
		v = e.unlessDead(v)
	}
	if reached {
		e.recordInit(&hearth.PlatformEvent{Kind: kinds.runtimeDone, Phase: phase, Status: v.status, ErrorType: v.errorType})
	}
	e.recordExtensions(r)
	e.recordInit(&hearth.PlatformEvent{
		Kind: kinds.report, Phase: phase, Status: v.status, ErrorType: v.errorType, Duration: took,
	})
	return r, v
}

// startRuntime starts the runtime process.
func (e *Environment) startRuntime(r *run, deadline time.Time) (verdict, bool) {
	cmd, err := e.opts.Launch.Runtime.Command(e.box.Paths())
	if err == nil {
		err = e.launch(r, "", sandbox.Command{Args: cmd.Args, Env: e.variables().Runtime(cmd.Env, cmd.FramedLog), Dir: cmd.Dir}, cmd.FramedLog, deadline)
	}
	if err != nil {
		return e.startVerdict(cmd, err), false
	}
	return verdict{}, true
}

// awaitInit waits for what is to come in an init phase, or for what comes instead.
func (e *Environment) awaitInit(r *run, event <-chan struct{}, timeout <-chan time.Time) verdict {
	select {
	case <-event:
		return verdict{status: hearth.StatusSuccess}
	case resp := <-r.session.InitError():
		e.awaitExit(r, timeout)
		return initErrorVerdict(resp)
	case <-r.down:
		select {
		case resp := <-r.session.InitError(): // posted, then exited
			return initErrorVerdict(resp)
		case <-event: // polled, then exited: the next Invoke sees it
			return verdict{status: hearth.StatusSuccess}
		default:
			return e.failureOf(r)
		}
	case <-timeout:
		return timeoutVerdict(e.opts.Function.Timeout)
	case <-e.ctx.Done():
		return e.deadVerdict()
	}
}

// ExitGrace is how long a runtime may take to exit by itself after it has said that
// its init failed: it prints why first.
const ExitGrace = 300 * time.Millisecond

// awaitExit waits for the first process of a run to end, within ExitGrace and the time
// of the init phase.
func (e *Environment) awaitExit(r *run, timeout <-chan time.Time) {
	grace := time.NewTimer(ExitGrace)
	defer grace.Stop()
	select {
	case <-r.down:
	case <-grace.C:
	case <-timeout:
	case <-e.ctx.Done():
	}
}

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

func (e *Environment) recordInit(ev *hearth.PlatformEvent) {
	ev.InitType = e.opts.InitType
	e.record(ev)
}
