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
	if e.state != New {
		e.mu.Unlock()
		return false
	}
	e.state = Initializing
	e.mu.Unlock()

	began := time.Now()
	r, v := e.initialize(hearth.PhaseInit, e.initTimeout())
	e.mu.Lock()
	switch {
	case e.state == Dead:
	case v.status != hearth.StatusSuccess:
		e.state, e.initBad = Broken, &v
	case r.dead:
		e.state, e.initBad = Broken, &r.failure
	default:
		e.state, e.initTook = Idle, time.Since(began)
	}
	ok := e.state == Idle
	e.mu.Unlock()
	if r != nil && !ok {
		e.stopRun(r, v.reason()) // nothing must run on in an idle environment
	}
	return ok
}

func (e *Environment) initTimeout() time.Duration {
	if e.opts.InitType == hearth.InitProvisioned || e.opts.InitType == hearth.InitManaged {
		return max(AheadInitTimeout, e.timeout())
	}
	return InitTimeout
}

// initFailure is how the init phase failed; nil when it did not.
func (e *Environment) initFailure() *verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.initBad
}

// takeInit is what the init phase took, for the first invocation to report.
func (e *Environment) takeInit() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	took := e.initTook
	e.initTook = 0
	return took
}

// initialize starts the extensions and the runtime, and waits until they ask
// for their first event. When the verdict is not success, the caller must stop
// the run, which may be nil.
func (e *Environment) initialize(phase string, budget time.Duration) (*run, verdict) {
	began := time.Now()
	e.recordInit(&hearth.PlatformEvent{Kind: hearth.EventInitStart, Phase: phase})
	r := e.newRun()
	if r == nil {
		v := e.deadVerdict()
		e.recordInit(&hearth.PlatformEvent{
			Kind: hearth.EventInitReport, Phase: phase, Status: v.status, ErrorType: v.errorType, Duration: time.Since(began),
		})
		return nil, v
	}
	launched, v := e.bringUp(r, began.Add(budget))
	took := time.Since(began)
	if v.status == hearth.StatusSuccess || len(e.extensions) > 0 {
		e.drain(r) // what was written during the init belongs before its end
	} else {
		e.stopRun(r, v.reason()) // or else it could write still
	}
	if v.status != hearth.StatusSuccess {
		v = e.unlessDead(v)
	}
	if launched {
		e.recordInit(&hearth.PlatformEvent{Kind: hearth.EventInitRuntimeDone, Phase: phase, Status: v.status, ErrorType: v.errorType})
	}
	e.recordExtensions(r)
	e.recordInit(&hearth.PlatformEvent{
		Kind: hearth.EventInitReport, Phase: phase, Status: v.status, ErrorType: v.errorType, Duration: took,
	})
	return r, v
}

// bringUp does the work of an init phase. launched: it came to the runtime.
func (e *Environment) bringUp(r *run, deadline time.Time) (launched bool, v verdict) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	if len(e.extensions) > 0 {
		if v := e.startExtensions(r, deadline, timer.C); v.status != hearth.StatusSuccess {
			return false, v
		}
	}
	if v, ok := e.startRuntime(r, deadline); !ok {
		return true, v
	}
	return true, e.awaitInit(r, r.session.Initialized(), timer.C)
}

// startRuntime starts the runtime process.
func (e *Environment) startRuntime(r *run, deadline time.Time) (verdict, bool) {
	cmd, err := e.opts.Launch.Command(e.box.Paths())
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
		return initErrorVerdict(resp)
	case <-r.failed:
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
