package invocation_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

const streamPath = "/2021-11-15/functions/f/response-streaming-invocations"

// events decodes an answer: each event as its type, content type and payload.
func (f *fixture) events(body []byte) []string {
	f.Helper()
	decoder, rest := eventstream.NewDecoder(), bytes.NewReader(body)
	var all []string
	for rest.Len() > 0 {
		msg, err := decoder.Decode(rest, nil)
		if err != nil {
			f.Fatalf("event %d: %v", len(all)+1, err)
		}
		if kind := msg.Headers.Get(":message-type"); kind.String() != "event" {
			f.Errorf("message type %s", kind)
		}
		all = append(all, fmt.Sprint(msg.Headers.Get(":event-type"), " ", msg.Headers.Get(":content-type"), " ", string(msg.Payload)))
	}
	return all
}

func (f *fixture) wantEvents(w *httptest.ResponseRecorder, want ...string) {
	f.Helper()
	if diff := gocmp.Diff(want, f.events(w.Body.Bytes())); diff != "" {
		f.Errorf("events (-want +got):\n%s", diff)
	}
}

func (f *fixture) wantHeaders(w *httptest.ResponseRecorder, want ...string) {
	f.Helper()
	for i := 0; i < len(want); i += 2 {
		if got := w.Header().Get(want[i]); got != want[i+1] {
			f.Errorf("%s: %q, want %q", want[i], got, want[i+1])
		}
	}
}

const (
	chunkEvent    = "PayloadChunk application/octet-stream "
	completeEvent = "InvokeComplete application/json "
)

// stream makes functions write chunks, one event each, and end with a result.
func (f *fixture) stream(res hearth.Result, err error, chunks ...string) {
	f.invoker.invoke = func(_ hearth.Name, _ string, inv *hearth.Invocation) (hearth.Result, error) {
		inv.Stream.Executed("7")
		inv.Stream.Begin("text/plain")
		for _, c := range chunks {
			if _, err := inv.Stream.Write([]byte(c)); err != nil {
				f.Errorf("write: %v", err)
			}
			synctest.Wait() // it is on its way
		}
		return res, err
	}
}

func TestStream_ChunksAndEnd(t *testing.T) {
	serve(t, func(f *fixture) {
		f.stream(hearth.Result{ExecutedVersion: "7", LogTail: []byte("log")}, nil, "a", "b")
		w := f.do("POST", streamPath, `{}`, "X-Amz-Log-Type: Tail")
		f.wantEvents(w, chunkEvent+"a", chunkEvent+"b",
			completeEvent+`{"LogResult":"`+base64.StdEncoding.EncodeToString([]byte("log"))+`"}`)
		f.wantHeaders(w, "Content-Type", "application/vnd.amazon.eventstream", "X-Amzn-Remapped-Content-Type", "text/plain",
			"X-Amz-Executed-Version", "7", "X-Amzn-Trace-Id", "Root=1-made-here", "X-Amz-Function-Error", "")
		if w.Code != http.StatusOK || !w.Flushed || len(w.Header().Get("X-Amzn-Requestid")) != 36 {
			t.Errorf("status %d, flushed %v, %v", w.Code, w.Flushed, w.Header())
		}
	})
}

func TestStream_WithoutContent_IsTheEndAlone(t *testing.T) {
	serve(t, func(f *fixture) {
		f.stream(hearth.Result{ExecutedVersion: "7"}, nil)
		f.wantEvents(f.do("POST", streamPath, `{}`), completeEvent+`{}`)
	})
}

func TestStream_WholeAnswer_IsOneChunk(t *testing.T) {
	serve(t, func(f *fixture) {
		f.invoker.invoke = func(_ hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
			return hearth.Result{Payload: append([]byte(qualifier), inv.Payload...), ContentType: "application/json", ExecutedVersion: "7"}, nil
		}
		w := f.do("POST", streamPath+"?Qualifier=live", `{"a":1}`)
		f.wantEvents(w, chunkEvent+`live{"a":1}`, completeEvent+`{}`)
		f.wantHeaders(w, "X-Amzn-Remapped-Content-Type", "application/json", "X-Amz-Executed-Version", "7")
	})
}

// AWS names no error when the function failed or ran out of time.
func TestStream_HowItEnds(t *testing.T) {
	tests := []struct {
		name string
		res  hearth.Result
		end  api.InvokeWithResponseStreamCompleteEvent
	}{
		{"well", hearth.Result{}, api.InvokeWithResponseStreamCompleteEvent{}},
		{"with an error of the function", hearth.Result{FunctionError: hearth.Unhandled, Payload: []byte(`{}`)}, api.InvokeWithResponseStreamCompleteEvent{}},
		{"out of time", hearth.Result{FunctionError: hearth.Unhandled, ErrorType: "Sandbox.Timedout"}, api.InvokeWithResponseStreamCompleteEvent{}},
		{"by an exit", hearth.Result{FunctionError: hearth.Unhandled, ErrorType: "Runtime.ExitError", Payload: []byte(`{"x":1}`)},
			api.InvokeWithResponseStreamCompleteEvent{ErrorCode: api.Ptr("Runtime.ExitError"), ErrorDetails: api.Ptr(`{"x":1}`)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			serve(t, func(f *fixture) {
				f.stream(test.res, nil, "prefix")
				end, err := json.Marshal(test.end)
				if err != nil {
					t.Fatal(err)
				}
				f.wantEvents(f.do("POST", streamPath, `{}`), chunkEvent+"prefix", completeEvent+string(end))
			})
		})
	}
}

func TestStream_FailedBeforeItsFirstByte_HasTheErrorAsPayload(t *testing.T) {
	serve(t, func(f *fixture) {
		f.invoker.invoke = func(hearth.Name, string, *hearth.Invocation) (hearth.Result, error) {
			return hearth.Result{FunctionError: hearth.Unhandled, ErrorType: "Sandbox.Timedout", Payload: []byte(`{"late":1}`), ExecutedVersion: "7"}, nil
		}
		f.wantEvents(f.do("POST", streamPath, `{}`), chunkEvent+`{"late":1}`, completeEvent+`{}`)
	})
}

func TestStream_FaultBeforeItsFirstByte_IsAnHTTPError(t *testing.T) {
	serve(t, func(f *fixture) {
		f.invoker.invoke = func(hearth.Name, string, *hearth.Invocation) (hearth.Result, error) {
			return hearth.Result{}, &hearth.Throttle{Reason: hearth.ThrottleConcurrency}
		}
		f.refused(f.do("POST", streamPath, `{}`), http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	})
}

func TestStream_FaultAfterItsFirstByte_EndsIt(t *testing.T) {
	serve(t, func(f *fixture) {
		f.stream(hearth.Result{}, errors.New("disk on fire"), "prefix")
		f.wantEvents(f.do("POST", streamPath, `{}`), chunkEvent+"prefix",
			completeEvent+`{"ErrorCode":"ServiceException","ErrorDetails":"The invocation was interrupted."}`)
	})
}

func TestStream_PayloadThatIsNotJSON_IsRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.do("POST", streamPath, `{`), http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
	})
}

func TestStream_InvocationTypes_AllRun(t *testing.T) {
	serve(t, func(f *fixture) {
		f.stream(hearth.Result{}, nil, "ran")
		for _, kind := range []string{"Event", "DryRun", "RequestResponse"} {
			f.wantEvents(f.do("POST", streamPath, `{}`, "X-Amz-Invocation-Type: "+kind), chunkEvent+"ran", completeEvent+`{}`)
		}
	})
}

// A function whose caller is gone writes as much as it likes, to nowhere.
func TestStream_CallerGone_FunctionGoesOn(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx, leave := context.WithCancel(f.Context())
		ended := false
		f.invoker.invoke = func(_ hearth.Name, _ string, inv *hearth.Invocation) (hearth.Result, error) {
			inv.Stream.Begin("")
			leave()
			synctest.Wait()
			for range 64 {
				if n, err := inv.Stream.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
					t.Errorf("write: %d %v", n, err)
				}
			}
			ended = true
			return hearth.Result{}, nil
		}
		w := httptest.NewRecorder()
		f.router.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", streamPath, strings.NewReader("{}")))
		if !ended || w.Body.Len() > 1<<10 {
			t.Errorf("ended %v; %d bytes were sent", ended, w.Body.Len())
		}
	})
}

// deafWriter is a connection that fails, which is noticed only by writing.
type deafWriter struct{ *httptest.ResponseRecorder }

func (deafWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestStream_BrokenConnection_FunctionGoesOn(t *testing.T) {
	serve(t, func(f *fixture) {
		f.stream(hearth.Result{}, nil, "a", strings.Repeat("b", 1<<20), "c")
		f.router.ServeHTTP(deafWriter{httptest.NewRecorder()}, httptest.NewRequestWithContext(f.Context(), "POST", streamPath, strings.NewReader("{}")))
	})
}

// took is how long 10 MiB need.
func (f *fixture) took() time.Duration {
	f.stream(hearth.Result{}, nil, strings.Repeat("x", 10<<20))
	began := time.Now()
	f.do("POST", streamPath, `{}`)
	return time.Since(began)
}

func TestStream_Bandwidth_IsNotShaped(t *testing.T) {
	serve(t, func(f *fixture) {
		if took := f.took(); took != 0 {
			t.Errorf("10 MiB took %s", took)
		}
	})
}

func TestStream_ShapedBandwidth_IsAWSs(t *testing.T) {
	serve(t, func(f *fixture) {
		f.open(true)
		// 6 MiB at once, 4 MiB at 2 MiB a second.
		if took := f.took(); took != 2*time.Second {
			t.Errorf("10 MiB took %s", took)
		}
	})
}
