package environment

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/sandbox"
)

// verdict is how a phase or an invocation ended when the platform has to say
// so: the runtime did not, or not acceptably.
type verdict struct {
	status    string // hearth.StatusSuccess, ...
	errorType string
	message   string // becomes "RequestId: <id> Error: <message>"
	payload   []byte // the answer, word for word; wins over message
	note      string // a line for the log
	err       error  // set: no result for the caller but this error
	reset     bool   // the environment must be reset
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
	case "Runtime.TruncatedResponse":
		v.message, v.reset = "HTTP request detected as truncated", true
	default:
		v.message = "Invalid function response mode"
	}
	return v
}

// exitVerdict describes a runtime process that ended by itself.
func (e *Environment) exitVerdict(x sandbox.Exit) verdict {
	v := verdict{status: hearth.StatusError, errorType: "Runtime.ExitError"}
	switch {
	case x.Signal != 0:
		v.message = "Runtime exited with error: signal: " + x.Signal.String()
	case x.Code != 0:
		v.message = "Runtime exited with error: exit status " + strconv.Itoa(x.Code)
	default:
		v.message = "Runtime exited without providing a reason"
	}
	if x.Signal != 0 {
		if e.memory.newOOM(e.box) {
			v.errorType = "Runtime.OutOfMemory"
		}
	}
	return v
}
