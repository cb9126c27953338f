package runtimeapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

const tooLarge = "Exceeded maximum allowed payload size (6291556 bytes)."

func (f *fixture) wantAnswer(call *runtimeapi.Call, want runtimeapi.Response) {
	f.Helper()
	if diff := cmp.Diff(want, await(f, call.Response(), "the answer")); diff != "" {
		f.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestResponse_Answer_IsAccepted(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), `{"ok":true}`, "Content-Type", "text/x"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte(`{"ok":true}`), ContentType: "text/x"})
	if got := f.session.State(); got != runtimeapi.Responded {
		t.Errorf("state %s", got)
	}
}

func TestResponse_Empty_IsAccepted(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), ""))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte{}})
}

// Go's runtime client sends its answers like this, buffered ones too.
func TestResponse_ChunkedWithTrailers_IsAccepted(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	for range 2 { // the connection stays usable
		w.send("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+
			"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"+
			"3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nLambda-Runtime-Function-Error-Type: x\r\n\r\n", responsePath("id-1"))
		if got := w.receive(); got.status == http.StatusAccepted {
			f.wantAnswer(call, runtimeapi.Response{Payload: []byte(`{"a":1}`)})
		} else {
			f.wantError(got, http.StatusForbidden, "InvalidStateTransition", notAllowed("RuntimeResponseSentState", "InvocationResponse"))
		}
	}
}

func TestResponse_ExpectContinue_IsToldToContinue(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", responsePath("id-1"))
	if got, err := w.r.ReadString('\n'); got != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q %v", got, err)
	}
	if _, err := w.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.send("{}")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("{}")})
}

func TestResponse_WrongID_IsRefused(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantError(f.post(responsePath("id-2"), "{}"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	f.wantError(f.post(errorPath("id-2"), "{}"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	f.wantAccepted(f.post(responsePath("id-1"), `"right"`))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte(`"right"`)})
}

func TestResponse_Second_IsRefused(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), "1"))
	f.wantError(f.post(responsePath("id-1"), "2"), http.StatusForbidden, "InvalidStateTransition", notAllowed("RuntimeResponseSentState", "InvocationResponse"))
	f.wantError(f.post(errorPath("id-1"), "3"), http.StatusForbidden, "InvalidStateTransition", notAllowed("RuntimeResponseSentState", "InvocationErrorResponse"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("1")})
	select {
	case got := <-call.Response():
		t.Errorf("a second answer: %+v", got)
	default:
	}
}

// notAllowed is what a runtime is told of a request that its state does not allow.
func notAllowed(from, to string) string {
	return "State transition from " + from + " to " + to + " failed for runtime. Error: State transition is not allowed"
}

// The phase of an event is over when the runtime asks for the next one: its id is nobody's then.
func TestResponse_AfterThePhase_HasAWrongID(t *testing.T) {
	f := serve(t)
	f.running()
	f.wantAccepted(f.post(responsePath("id-1"), "1"))
	f.ready()
	f.wantError(f.post(responsePath("id-1"), "2"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
}

func TestResponse_Concurrent_OneIsTaken(t *testing.T) {
	f := serve(t)
	call := f.running()
	statuses := make(chan int, 8)
	for range cap(statuses) {
		go func() { statuses <- f.post(responsePath("id-1"), strings.Repeat("x", 1<<20)).status }()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[await(f, statuses, "an answer")]++
	}
	if diff := cmp.Diff(map[int]int{http.StatusAccepted: 1, http.StatusForbidden: cap(statuses) - 1}, count); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if got := await(f, call.Response(), "the answer"); len(got.Payload) != 1<<20 {
		t.Errorf("got %d bytes", len(got.Payload))
	}
}

// The id is looked at before the state.
func TestResponse_WithoutEvent_HasAWrongID(t *testing.T) {
	f := serve(t)
	f.wantError(f.post(responsePath("id-1"), "{}"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	f.wantError(f.post(errorPath("id-1"), "{}"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
}

func TestResponse_EndedSession_IsForbidden(t *testing.T) {
	f := serve(t)
	f.running()
	f.session.End()
	f.wantError(f.post(responsePath("id-1"), "{}"), http.StatusForbidden, "InvalidStateTransition",
		"State transition from Running to InvocationResponse failed for runtime. Error: State transition is not allowed")
}

func TestResponse_LargestSize_IsAccepted(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), strings.Repeat("x", hearth.MaxPayload)))
	if got := await(f, call.Response(), "the answer"); len(got.Payload) != hearth.MaxPayload {
		t.Errorf("got %d bytes", len(got.Payload))
	}
}

func TestResponse_TooLarge_IsRefusedOnAUsableConnection(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	body := strings.Repeat("x", hearth.MaxPayload+1)
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", responsePath("id-1"), len(body), body)
	f.wantError(w.receive(), http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge)
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"})
	w.send("GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := w.receive(); got.body != "pong" {
		t.Errorf("got %+v", got)
	}
}

func TestResponse_ChunkedTooLarge_IsRefused(t *testing.T) {
	f := serve(t)
	call := f.running()
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", hearth.MaxPayload+1))) // of unknown length
	got := f.request(t.Context(), http.MethodPost, responsePath("id-1"), body)
	f.wantError(got, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge)
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"})
}

func TestResponse_HalfABody_IsTruncated(t *testing.T) {
	for name, head := range map[string]string{
		"declared": "Content-Length: 100\r\n\r\nhalf",
		"nothing":  "Content-Length: 100\r\n\r\n",
		"chunked":  "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			call := f.running()
			w := f.dial()
			w.send("POST %s HTTP/1.1\r\nHost: x\r\n%s", responsePath("id-1"), head)
			if err := w.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			f.wantError(w.receive(), http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
			f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Runtime.TruncatedResponse"})
		})
	}
}

func TestResponse_UploadInProgress_ForbidsNext(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", responsePath("id-1"))
	for range 2 { // "100 Continue" says that the server has begun to read
		if _, err := w.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	f.wantError(f.get(nextPath), http.StatusForbidden, "InvalidStateTransition",
		"State transition from InvocationResponse to Ready failed for runtime. Error: State transition is not allowed")
	w.send("true")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("true")})
}

func TestResponse_Mode_OnlyStreamingIsKnown(t *testing.T) {
	const header = "Lambda-Runtime-Function-Response-Mode"
	f := serve(t)
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), "1", header, "streaming"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("1"), ContentType: "application/octet-stream"})

	f = serve(t)
	call = f.running()
	f.wantError(f.post(responsePath("id-1"), "1", header, "odd"), http.StatusBadRequest,
		"InvalidFunctionResponseMode", "Invalid function response mode")
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Runtime.InvalidResponseModeHeader"})
	f.wantError(f.post(responsePath("id-1"), "1"), http.StatusForbidden, "InvalidStateTransition", notAllowed("InvocationResponse", "InvocationResponse"))
	f.wantError(f.post(errorPath("id-1"), "1"), http.StatusForbidden, "InvalidStateTransition", notAllowed("InvocationResponse", "InvocationErrorResponse"))
}

func TestError_Post_IsAcceptedWordForWord(t *testing.T) {
	f := serve(t)
	call := f.running()
	const body = `{"errorMessage":"<no>", "errorType":"E","errorCause":1}`
	f.wantAccepted(f.post(errorPath("id-1"), body, "Lambda-Runtime-Function-Error-Type", "Function.Broken", "Content-Type", "application/json"))
	f.wantAnswer(call, runtimeapi.Response{
		Failed: true, Payload: []byte(body), ErrorType: "Function.Broken", ContentType: "application/json",
	})
}

func TestError_Type_IsKeptInAWSsFormOnly(t *testing.T) {
	for sent, want := range map[string]string{
		"Runtime.UnhandledException": "Runtime.UnhandledException",
		"Function.Ab":                "Function.Ab",
		"Function.A":                 "Function.Unknown",
		"Function.lower":             "Function.Unknown",
		"Function.With1":             "Function.Unknown",
		"Runtime.A.B":                "Runtime.Unknown",
		"Runtime.":                   "Runtime.Unknown",
		"Runtime":                    "Runtime.Unknown",
		"Other.Name":                 "Runtime.Unknown",
		"unhandled":                  "Runtime.Unknown",
		"":                           "Runtime.Unknown",
	} {
		f := serve(t)
		call := f.running()
		f.wantAccepted(f.post(errorPath("id-1"), "{}", "Lambda-Runtime-Function-Error-Type", sent))
		if got := await(f, call.Response(), "the answer").ErrorType; got != want {
			t.Errorf("%q became %q, want %q", sent, got, want)
		}
	}
}

func TestError_CauseContentType_LosesItsCause(t *testing.T) {
	const contentType = "application/vnd.aws.lambda.error.cause+json"
	for sent, want := range map[string]string{
		`{"errorCause":{"x":1},"errorType":"E"}`: `{"errorType":"E"}`,
		`{"errorType": "E"}`:                     `{"errorType": "E"}`,
		`[1]`:                                    `[1]`,
		`no json`:                                `no json`,
	} {
		f := serve(t)
		call := f.running()
		f.wantAccepted(f.post(errorPath("id-1"), sent, "Content-Type", contentType))
		if got := await(f, call.Response(), "the answer").Payload; string(got) != want {
			t.Errorf("%s became %s, want %s", sent, got, want)
		}
	}
}

func TestError_TooLarge_IsRefused(t *testing.T) {
	f := serve(t)
	call := f.running()
	f.wantError(f.post(errorPath("id-1"), strings.Repeat("x", hearth.MaxPayload+1)),
		http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge)
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"})
}

func TestError_LongCauseHeader_IsAccepted(t *testing.T) {
	f := serve(t)
	f.running()
	f.wantAccepted(f.post(errorPath("id-1"), "{}", "Lambda-Runtime-Function-XRay-Error-Cause", strings.Repeat("x", 1<<20)))
}

func TestHeader_BeyondTheLimit_IsRefused(t *testing.T) {
	f := serve(t)
	w := f.dial()
	go func() { // the server stops reading somewhere
		_, _ = io.WriteString(w, "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", runtimeapi.MaxHeaderBytes+1<<20))
	}()
	if got := w.receive(); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d %v", got.status, got.err)
	}
}

func TestInitError_Post_EndsTheInit(t *testing.T) {
	f := serve(t)
	f.wantAccepted(f.post(initErrorPath, `{"errorType":"E"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError"))
	got := await(f, f.session.InitError(), "the error")
	if want := (runtimeapi.Response{Failed: true, Payload: []byte(`{"errorType":"E"}`), ErrorType: "Runtime.ImportModuleError"}); !cmp.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	f.wantError(f.post(initErrorPath, "{}"), http.StatusForbidden, "InvalidStateTransition",
		"State transition from InitError to InitError failed for runtime. Error: State transition is not allowed")
}

func TestInitError_AfterInit_IsForbidden(t *testing.T) {
	f := serve(t)
	f.ready()
	f.wantError(f.post(initErrorPath, "{}"), http.StatusForbidden, "InvalidStateTransition",
		"State transition from Ready to InitError failed for runtime. Error: State transition is not allowed")
	select {
	case got := <-f.session.InitError():
		t.Errorf("took %+v", got)
	default:
	}
}

// Bodies are read only by whoever the state admits, so that a runtime cannot
// make the daemon hold one for each connection.
func TestInitError_UploadInProgress_AdmitsNoOther(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", initErrorPath)
	for range 2 {
		if _, err := w.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.post(initErrorPath, "{}"); got.status != http.StatusForbidden {
		t.Errorf("got %+v", got)
	}
	w.send("[]")
	f.wantAccepted(w.receive())
	if got := await(f, f.session.InitError(), "the error"); string(got.Payload) != "[]" {
		t.Errorf("got %+v", got)
	}
}

func TestInitError_HalfABody_IsTruncated(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", initErrorPath)
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f.wantError(w.receive(), http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	if got := await(f, f.session.InitError(), "the error"); !got.Refused || got.ErrorType != "Runtime.TruncatedResponse" {
		t.Errorf("got %+v", got)
	}
}

func TestRoutes_UnknownPath_IsNotFound(t *testing.T) {
	f := serve(t)
	for _, path := range []string{
		"/", "/2018-06-01", "/2018-06-01/runtime/invocation/", nextPath + "/", "/2018-06-01/runtime/invocation/id-1/respond",
		responsePath("id-1") + "/x", "/2099-01-01/ping",
	} {
		if got := f.post(path, "{}"); got.status != http.StatusNotFound || got.body != "404 page not found\n" {
			t.Errorf("%s: %d %q %v", path, got.status, got.body, got.err)
		}
	}
}

func TestRoutes_OtherMethod_IsNotAllowed(t *testing.T) {
	f := serve(t)
	for path, allow := range map[string]string{
		"/2018-06-01/ping": http.MethodGet, nextPath: http.MethodGet,
		responsePath("id-1"): http.MethodPost, errorPath("id-1"): http.MethodPost, initErrorPath: http.MethodPost,
	} {
		got := f.request(t.Context(), http.MethodPut, path, nil)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow {
			t.Errorf("%s: %d, Allow %q", path, got.status, got.header.Get("Allow"))
		}
	}
}
