package invocation_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
)

// eventQueue is a queue that keeps what it accepts.
type eventQueue struct {
	accepted []string
	err      error
}

func (e *eventQueue) Accept(_ context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) error {
	if e.err != nil {
		return fmt.Errorf("accept: %w", e.err)
	}
	if inv.TraceID == "" {
		inv.TraceID = "Root=1-made-there"
	}
	e.accepted = append(e.accepted, fmt.Sprintf("%s %q %s %q %t", name.Function, qualifier, inv.Payload, inv.ClientContext, inv.Tail))
	return nil
}

// send sends an event to function f.
func (f *fixture) send(body string, headers ...string) *httptest.ResponseRecorder {
	return f.do("POST", functions+"/f/invocations", body, append(headers, "X-Amz-Invocation-Type: Event")...)
}

func TestInvoke_Event_IsAcceptedWithoutAnAnswer(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		w := f.send(`{"a":1}`)
		if w.Code != 202 || w.Body.Len() != 0 || w.Header().Get("X-Amz-Executed-Version") != "" || w.Header().Get("X-Amzn-Trace-Id") != "Root=1-made-there" {
			f.Errorf("%d %q %v", w.Code, w.Body, w.Header())
		}
		if diff := cmp.Diff([]string{`f "" {"a":1} "" false`}, f.queue.accepted); diff != "" {
			f.Error(diff)
		}
	})
}

func TestInvoke_Event_IgnoresWhatIsForCallersWhoWait(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		w := f.send(``, "X-Amz-Log-Type: Tail", "X-Amz-Client-Context: not base64")
		if w.Code != 202 || w.Header().Get("X-Amz-Log-Result") != "" {
			f.Errorf("%d %v", w.Code, w.Header())
		}
		if diff := cmp.Diff([]string{`f "" {} "" false`}, f.queue.accepted); diff != "" {
			f.Error(diff)
		}
	})
}

func TestInvoke_Event_IsCheckedFirst(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.send(`{}`), 404, "ResourceNotFoundException", "Function not found")
		f.create("f")
		f.refused(f.send(`{`), 400, "InvalidRequestContentException", "Could not parse request body into json")
		f.refused(f.send(`"`+strings.Repeat("x", 1<<20)+`"`), 413, "RequestEntityTooLargeException", "")
		if len(f.queue.accepted) != 0 {
			f.Errorf("accepted %q", f.queue.accepted)
		}
	})
}

func TestInvoke_Event_WhenTheQueueIsFull_IsThrottled(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		f.queue.err = &hearth.Throttle{Reason: hearth.ThrottleInvocationRate}
		f.refused(f.send(`{}`), 429, "TooManyRequestsException", hearth.ThrottleInvocationRate)
	})
}

func TestInvokeAsync_IsAccepted(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		w := f.do("POST", "/2014-11-13/functions/f/invoke-async", `{"a":1}`)
		if w.Code != 202 {
			f.Errorf("%d %s", w.Code, w.Body)
		}
		if diff := cmp.Diff([]string{`f "" {"a":1} "" false`}, f.queue.accepted); diff != "" {
			f.Error(diff)
		}
		f.refused(f.do("POST", "/2014-11-13/functions/g/invoke-async", `{}`), 404, "ResourceNotFoundException", "Function not found")
		f.refused(f.do("POST", "/2014-11-13/functions/f/invoke-async", `{`), 400, "InvalidRequestContentException", "Could not parse request body")
	})
}
