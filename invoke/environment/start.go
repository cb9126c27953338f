package environment

import (
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// start is how the processes of a run come up, to where they ask for their first
// event. The run itself, its end, and what the caller of an invocation gets are the
// same for all of them.
type start interface {
	// limit is how long it may take ahead of the first event. Inside an invocation
	// it may take what the function may.
	limit(e *Environment) time.Duration
	// events are what the log calls its parts.
	events() startEvents
	// session begins the session of the run.
	session(e *Environment) *runtimeapi.Session
	// bringUp starts the processes with launch, or hands them to adopt, and waits
	// until they are ready. The verdict is hearth.StatusSuccess, or says what went
	// wrong; the processes of a run that failed are stopped by the caller. reached
	// says whether the runtime, which comes last, had its turn.
	bringUp(e *Environment, r *run, deadline time.Time) (reached bool, v verdict)
}

// startEvents are the platform events of a start: its begin, the end of the
// runtime's part, and its end.
type startEvents struct{ start, runtimeDone, report hearth.EventKind }

// cold starts the extensions and the runtime as commands, and their init phase is
// what it waits for.
type cold struct{}

func (cold) limit(e *Environment) time.Duration {
	if e.opts.InitType == hearth.InitProvisioned || e.opts.InitType == hearth.InitManaged {
		return max(AheadInitTimeout, e.timeout())
	}
	return InitTimeout
}

func (cold) events() startEvents {
	return startEvents{hearth.EventInitStart, hearth.EventInitRuntimeDone, hearth.EventInitReport}
}

func (cold) session(e *Environment) *runtimeapi.Session {
	if e.multi != nil {
		return e.multi.beginSession()
	}
	return e.server.Begin(e.extensions...)
}

func (cold) bringUp(e *Environment, r *run, deadline time.Time) (reached bool, v verdict) {
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
