package environment

import (
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi/extension"
)

// Reasons of a shutdown, as extensions are told them.
const (
	reasonSpindown = "spindown" // the environment is not needed any more
	reasonTimeout  = "timeout"
	reasonFailure  = "failure"
)

func (v *verdict) reason() string {
	if v.status == hearth.StatusTimeout {
		return reasonTimeout
	}
	return reasonFailure
}

// shutdownBudget is how long the processes of a run may take to end, and how
// much of it the runtime may: AWS's numbers. Without extensions there is no
// shutdown phase.
func shutdownBudget(extensions []extension.Extension) (all, runtime time.Duration) {
	const internal, external = 500 * time.Millisecond, 2 * time.Second
	for i := range extensions {
		switch {
		case extensions[i].External:
			return external, external * 3 / 10
		case extensions[i].Registered():
			all = internal
		}
	}
	return all, all
}

// shutdown is the shutdown phase: the runtime gets SIGTERM and a part of the
// time, then the extensions that registered for it get SHUTDOWN and the rest.
// What is left is for KillAll.
func (e *Environment) shutdown(r *run, reason string) {
	extensions := r.session.Extensions()
	all, share := shutdownBudget(extensions)
	if all == 0 || e.boxLost() {
		return
	}
	if err := e.thaw(); err != nil {
		e.opts.Logger.Error("shut down environment", "environment", e.opts.ID, "error", err)
		return
	}
	e.flush()
	began := time.Now()
	deadline := began.Add(all)
	processes := e.processesOf(r)
	for _, p := range processes {
		if p.extension == "" && p.proc.Signal(syscall.SIGTERM) == nil {
			p.await(began.Add(share))
			if p.proc.Signal(syscall.SIGKILL) == nil {
				p.await(deadline)
			}
		}
	}
	r.session.Shutdown(reason, deadline)
	wanted := map[string]bool{}
	for i := range extensions {
		wanted[extensions[i].Name] = extensions[i].Wants(extension.Shutdown)
	}
	for _, p := range processes {
		if p.extension != "" && !wanted[p.extension] {
			_ = p.proc.Signal(syscall.SIGKILL)
		}
	}
	for _, p := range processes {
		p.await(deadline)
	}
}

// await waits until the process has ended, or the deadline has come.
func (p *process) await(deadline time.Time) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-p.proc.Done():
	case <-timer.C:
	}
}

func (e *Environment) boxLost() bool {
	select {
	case <-e.box.Done():
		return true
	default:
		return false
	}
}
