package environment

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// verdict is how a phase or an invocation ended when the platform has to say
// so: the runtime did not, or not acceptably.
type verdict struct {
	status    string // hearth.StatusSuccess, ...
	errorType string
	message   string // becomes "RequestId: <id> Error: <message>"
	payload   []byte // the answer, word for word; wins over message
	err       error  // set: no result for the caller but this error
	reset     bool   // the environment must be reset
	fault     bool   // a process ended by itself
}

// body renders the caller's payload. The order of the keys is AWS's.
func (v *verdict) body(requestID string) []byte {
	if v.payload != nil {
		return v.payload
	}
	b, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{v.errorType, "RequestId: " + requestID + " Error: " + v.message})
	if err != nil {
		return []byte(`{"errorType":"Sandbox.Failure"}`)
	}
	return b
}

func timeoutVerdict(seconds int) verdict {
	return verdict{
		status: hearth.StatusTimeout, errorType: "Sandbox.Timedout",
		message: fmt.Sprintf("Task timed out after %d.00 seconds", seconds),
	}
}

// initErrorVerdict passes on what the runtime posted to /init/error.
func initErrorVerdict(r runtimeapi.Response) verdict {
	if r.Refused {
		return refusedVerdict(r.ErrorType)
	}
	v := verdict{status: hearth.StatusError, errorType: r.ErrorType, payload: r.Payload}
	if len(r.Payload) == 0 {
		v.payload, v.message = nil, "Runtime exited without providing a reason"
	}
	return v
}

// refusedVerdict is for answers that the Runtime API did not take.
func refusedVerdict(errorType string) verdict {
	v := verdict{status: hearth.StatusError, errorType: errorType}
	switch errorType {
	case "Function.ResponseSizeTooLarge":
		// The environment stays usable: the runtime has its 413 and goes on.
		v.payload = []byte(`{"errorMessage":"Response payload size exceeded maximum allowed payload size (` +
			strconv.Itoa(hearth.MaxPayload) + ` bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
	case truncated:
		v.message, v.reset = "HTTP request detected as truncated", true
	default:
		v.message = "Invalid function response mode"
	}
	return v
}

// truncated is the error type of an answer that ended before its end.
const truncated = "Runtime.TruncatedResponse"

// hostVerdict is for what is not the function's doing.
func hostVerdict(err error) verdict {
	return verdict{status: hearth.StatusError, errorType: "Sandbox.Failure", err: err}
}

func (e *Environment) deadVerdict() verdict {
	return hostVerdict(fmt.Errorf("%w: %s", ErrDead, e.opts.ID))
}

// unlessDead returns v, or a dead environment's verdict if it is dead: the loss
// of a sandbox first shows in many ways.
func (e *Environment) unlessDead(v verdict) verdict {
	select {
	case <-e.box.Done():
		return e.deadVerdict()
	default:
	}
	if e.State() == Dead {
		return e.deadVerdict()
	}
	return v
}

// interruptedVerdict is for an invocation whose environment came to its end.
// delivered says that the runtime had the event, or else it never will.
func (e *Environment) interruptedVerdict(delivered bool) verdict {
	if !delivered {
		return e.deadVerdict()
	}
	return hostVerdict(fmt.Errorf("%w: %s", ErrInterrupted, e.opts.ID))
}

// exitVerdict describes a process that ended by itself. An extension that has
// reported a failure before is why, whichever process it is.
func (e *Environment) exitVerdict(r *run, p *process) verdict {
	x := p.proc.Exit()
	v := verdict{status: hearth.StatusError, errorType: "Runtime.ExitError", reset: true}
	if p.extension != "" {
		v.errorType = "Extension.Crash"
	}
	if fault := r.session.Fault(); fault != "" {
		v.errorType = fault
	}
	how := "exit code 0"
	switch {
	case x.Signal != 0:
		how = "signal: " + x.Signal.String()
	case x.Code != 0:
		how = "exit status " + strconv.Itoa(x.Code)
	case p.extension == "":
		how = ""
	}
	switch {
	case p.extension != "":
		v.message = how
	case how != "":
		v.message = "Runtime exited with error: " + how
	default:
		v.message = "Runtime exited without providing a reason"
	}
	if x.Signal != 0 && e.memory.newOOM(e.box) {
		v.errorType = "Runtime.OutOfMemory"
	}
	v.fault = true
	return v
}
