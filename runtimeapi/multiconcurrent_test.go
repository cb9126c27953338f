package runtimeapi_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// concurrent is a fixture whose session takes several events at a time.
func multiConcurrent(t *testing.T, maxConcurrency int) (*fixture, *runtimeapi.MultiConcurrent) {
	t.Helper()
	f := serve(t)
	s := f.server.BeginMultiConcurrent(maxConcurrency)
	f.session = s.Session
	return f, s
}

// hand gives the session an event, and returns what tells of its end.
func (f *fixture) hand(s *runtimeapi.MultiConcurrent, id string) (*runtimeapi.Call, <-chan *runtimeapi.Call) {
	f.Helper()
	over := make(chan *runtimeapi.Call, 1)
	call, err := s.Invoke(&hearth.Invocation{RequestID: id, Payload: []byte(`1`)}, time.Minute, done(func(c *runtimeapi.Call) { over <- c }))
	if err != nil {
		f.Fatal(err)
	}
	return call, over
}

func TestMultiConcurrent_AnswersInAnotherOrder_GoToTheirCalls(t *testing.T) {
	f, s := multiConcurrent(t, 3)
	var calls []*runtimeapi.Call
	for i := range 3 {
		call, _ := f.hand(s, fmt.Sprintf("id-%d", i))
		calls = append(calls, call)
		if got := f.get(nextPath).header.Get("Lambda-Runtime-Aws-Request-Id"); got != fmt.Sprintf("id-%d", i) {
			t.Fatalf("event %d is %q", i, got)
		}
	}
	for i := 2; i >= 0; i-- {
		f.wantAccepted(f.post(responsePath(fmt.Sprintf("id-%d", i)), fmt.Sprint(i)))
	}
	for i, call := range calls {
		f.wantAnswer(call, runtimeapi.Response{Payload: []byte(fmt.Sprint(i))})
	}
}

func TestMultiConcurrent_AnswerAfterExpire_IsGone(t *testing.T) {
	f, s := multiConcurrent(t, 1)
	call, over := f.hand(s, "id-1")
	f.get(nextPath)
	if s.Expire(call) {
		t.Error("nobody had the event")
	}
	f.wantError(f.post(responsePath("id-1"), "1"), http.StatusGone, "InvokeTimeout", "Invoke timeout")
	await(f, over, "the end of the call")
	f.wantError(f.post(responsePath("id-1"), "1"), http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
}

// What an expired event leaves behind must not reach a worker.
func TestMultiConcurrent_ExpiredUnhanded_NoWorkerGetsIt(t *testing.T) {
	f, s := multiConcurrent(t, 1)
	call, _ := f.hand(s, "id-1")
	if !s.Expire(call) {
		t.Error("somebody has the event")
	}
	f.hand(s, "id-2")
	if got := f.get(nextPath).header.Get("Lambda-Runtime-Aws-Request-Id"); got != "id-2" {
		t.Errorf("got %q", got)
	}
}

func TestMultiConcurrent_PollWithABodyThatGoesAway_LeavesItsEvent(t *testing.T) {
	f, s := multiConcurrent(t, 2)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", nextPath)
	await(f, s.Initialized(), "the poll")
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	skipInterim(t, w) // the server has noticed
	w.Close()
	call, _ := f.hand(s, "id-1")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := f.request(ctx, http.MethodGet, nextPath, nil)
	if id := got.header.Get("Lambda-Runtime-Aws-Request-Id"); id != "id-1" {
		t.Fatalf("the other poll got %q, %v", id, got.err)
	}
	f.wantAccepted(f.post(responsePath("id-1"), "2"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("2")})
}

// After its end a session does not count an event as delivered: whoever gave it
// the event decides by that whether another one may have it.
func TestMultiConcurrent_Ended_DeliversNothing(t *testing.T) {
	for range 200 {
		f, s := multiConcurrent(t, 1)
		polled := f.poll(t.Context())
		await(f, s.Initialized(), "the poll")
		call, _ := f.hand(s, "id-1")
		s.End()
		delivered := call.Delivered()
		if got := await(f, polled, "the end of the poll"); !delivered && got.status == http.StatusOK {
			t.Fatalf("an event that was not delivered reached the runtime: %s", got.body)
		}
	}
}

func TestMultiConcurrent_MoreIdleThanMaxConcurrency_IsRefused(t *testing.T) {
	f, s := multiConcurrent(t, 1)
	f.poll(t.Context())
	await(f, s.Initialized(), "the poll")
	var got reply
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		got = f.request(ctx, http.MethodGet, nextPath, nil)
		cancel()
		if got.err == nil {
			break
		}
	}
	want := `{"errorMessage":"Too many idle runtimes","errorType":"Runtime.TooManyIdleRuntimes"}` + "\n"
	if diff := cmp.Diff(want, got.body); diff != "" || got.status != http.StatusBadRequest {
		t.Errorf("status %d, %s", got.status, diff)
	}
}
