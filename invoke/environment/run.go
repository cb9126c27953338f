package environment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/output"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/sandbox"
)

// run is one start of the environment's processes, and their session.
type run struct {
	session *runtimeapi.Session
	down    chan struct{} // closed when the run is not up any more
	stopped chan struct{} // closed when it is stopped

	// Guarded by Environment.mu.
	state     runState   // set by toLocked alone
	processes []*process // as they were started: the extensions, the runtime
	failure   verdict    // how the first process ended, if the run has failed
}

// process is the runtime or an external extension.
type process struct {
	extension string // its name; empty for the runtime
	proc      sandbox.Process
	output    *output.Output
}

// newRun begins a session for processes that are to be started. It returns nil
// when the environment is dead. The run before it, if any, is stopped first.
func (e *Environment) newRun(how start) *run {
	if old := e.takeRun(); old != nil {
		e.stopRun(old, reasonFailure)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == Dead {
		return nil
	}
	e.run = &run{session: how.session(e), down: make(chan struct{}), stopped: make(chan struct{})}
	return e.run
}

// takeRun returns the run in progress, if any, which is none any more.
func (e *Environment) takeRun() *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.run
	e.run = nil
	return r
}

// launch starts a process of the run and watches it. framed gives it a
// descriptor for a framed log.
func (e *Environment) launch(r *run, name string, cmd sandbox.Command, framed bool, deadline time.Time) error {
	p, err := e.newProcess(name, framed)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr, cmd.Log = p.output.Files()
	ctx, cancel := context.WithDeadline(e.ctx, deadline)
	defer cancel()
	p.proc, err = e.box.Start(ctx, cmd)
	p.output.Started()
	if err != nil {
		e.waitOutput([]*process{p})
		return err //nolint:wrapcheck // the verdict says what was being started
	}
	return e.adopt(r, p)
}

// newProcess opens what a process writes to, which is to be started and adopted.
// When the process does not come to be, its output must be waited for.
func (e *Environment) newProcess(extension string, framed bool) (*process, error) {
	source := hearth.SourceFunction
	if extension != "" {
		source = hearth.SourceExtension
	}
	out, err := output.Open(e.sink(source), framed)
	if err != nil {
		return nil, err //nolint:wrapcheck // the verdict says what was being started
	}
	return &process{extension: extension, output: out}, nil
}

// adopt makes a process that was started the run's, and watches it. On an error
// the environment is Dead, and the process ends with the run.
func (e *Environment) adopt(r *run, p *process) error {
	e.mu.Lock()
	r.processes = append(r.processes, p)
	e.mu.Unlock()
	if !e.enter() {
		return ErrDead
	}
	go e.watch(r, p) // owned by Close through enter
	return nil
}

// processesOf returns the processes that were started so far.
func (e *Environment) processesOf(r *run) []*process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return r.processes[:len(r.processes):len(r.processes)]
}

// drain reads what the processes of a run have written by now.
func (e *Environment) drain(r *run) {
	for _, p := range e.processesOf(r) {
		p.output.Drain()
	}
	if e.workers != nil {
		e.workers.Drain()
	}
}

// drainCurrent is drain for the run in progress, if any.
func (e *Environment) drainCurrent() {
	e.mu.Lock()
	r := e.run
	e.mu.Unlock()
	if r != nil {
		e.drain(r)
	}
}

// sink is the log, to what reads the output of processes.
func (e *Environment) sink(source hearth.LogSource) output.Sink {
	return output.Sink{
		Line:    func(line []byte) { e.opts.Recorder.Output(source, line) },
		Message: e.opts.Recorder.Message,
	}
}

// waitOutput waits until the output of processes, which are dead, has been
// read. Every process goes through it.
func (e *Environment) waitOutput(processes []*process) {
	giveUp := make(chan struct{})
	timer := time.AfterFunc(outputTimeout, func() { close(giveUp) })
	defer timer.Stop()
	for _, p := range processes {
		p.output.Wait(giveUp)
	}
	if e.workers != nil {
		e.workers.Wait(giveUp)
	}
}

// outputTimeout is how long the output of dead processes is waited for. It
// ends at once, unless a process got away from a driver that cannot hold it
// and keeps the pipe open.
const outputTimeout = time.Second

// watch notices the end of a process.
func (e *Environment) watch(r *run, p *process) {
	defer e.wg.Done()
	select {
	case <-p.proc.Done():
	case <-e.ctx.Done():
		return
	}
	busy, last := e.processEnded(r, p)
	if busy != nil {
		v := r.failure
		if p.extension == "" && busy.withdraw() {
			v.err = fmt.Errorf("%w: %s", ErrNotDelivered, v.message)
		}
		e.fail(busy, v)
		return
	}
	if last != nil {
		<-last.done // somebody else ends it, and may find the run failed
	}
	if e.isCurrent(r) && e.State() == Broken {
		if e.multi != nil {
			e.multi.crashed(e.failureOf(r))
		}
		e.stopRun(r, reasonFailure) // the others must not run on in an idle environment
	}
}

// processEnded notes the end of a process. busy is the invocation that it
// ends, claimed; last, one that somebody else ends.
func (e *Environment) processEnded(r *run, p *process) (busy, last *invocation) {
	var v verdict
	if e.isCurrent(r) { // or else somebody has killed it
		v = e.exitVerdict(r, p)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.toLocked(runFailed) {
		r.failure = v
	}
	if e.run != r {
		return nil, nil
	}
	if e.state == Idle {
		e.toLocked(Broken)
	}
	// While initializing, awaitInit sees the end; before the hand-over, Invoke does.
	return e.claimLocked(), e.active
}

func (e *Environment) isCurrent(r *run) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.run == r
}

// failureOf is how the first process of a run ended that did.
func (e *Environment) failureOf(r *run) verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	return r.failure
}

// stopRun ends every process of the sandbox, extensions in their own time, and
// waits until the output of the run has been read. Concurrent callers all
// wait; the first one's reason is told. A sandbox that cannot be cleared is
// closed: the environment is dead.
func (e *Environment) stopRun(r *run, reason string) {
	e.mu.Lock()
	first := r.toLocked(runStopping)
	e.mu.Unlock()
	if !first {
		<-r.stopped
		return
	}
	defer e.endRun(r)
	e.shutdown(r, reason)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), killTimeout)
	defer cancel()
	if err := e.box.KillAll(ctx); err != nil && !errors.Is(err, sandbox.ErrClosed) {
		e.opts.Logger.Error("kill processes of environment", "environment", e.opts.ID, "error", err)
		e.die()
		_ = e.box.Close()
	}
	r.session.End()
	e.waitOutput(e.processesOf(r))
}

func (e *Environment) endRun(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.toLocked(runStopped)
}

// killTimeout is how long SIGKILL may take: only a process stuck in the kernel
// needs more than milliseconds.
const killTimeout = 10 * time.Second
