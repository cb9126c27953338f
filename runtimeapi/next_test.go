package runtimeapi_test

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestNext_Event_HasBodyAndHeaders(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	began := time.Now()
	f.invoke(&hearth.Invocation{
		RequestID: "id-1", Payload: []byte(`{"n":1}`), InvokedARN: "arn:x", TraceID: "Root=1-2-3",
		ClientContext: `{"client":{}}`, CognitoIdentity: `{"cognitoIdentityId":"c"}`, TenantID: "blue",
	}, nil)
	ended := time.Now()
	got := await(f, polled, "the event")
	if got.status != http.StatusOK || got.body != `{"n":1}` {
		t.Errorf("got %d %q %v", got.status, got.body, got.err)
	}
	deadline, err := strconv.ParseInt(got.header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if low, high := began.Add(3*time.Second).UnixMilli(), ended.Add(3*time.Second).UnixMilli(); err != nil || deadline < low || deadline > high {
		t.Errorf("deadline %d %v, want within %d-%d", deadline, err, low, high)
	}
	got.header.Del("Lambda-Runtime-Deadline-Ms")
	got.header.Del("Date")
	if id := got.header.Get("Lambda-Runtime-Invocation-Id"); !uuid.MatchString(id) {
		t.Errorf("invocation id %q", id)
	}
	got.header.Del("Lambda-Runtime-Invocation-Id")
	want := http.Header{
		"Content-Type":                        {"application/json"},
		"Content-Length":                      {"7"},
		"Lambda-Runtime-Aws-Request-Id":       {"id-1"},
		"Lambda-Runtime-Invoked-Function-Arn": {"arn:x"},
		"Lambda-Runtime-Trace-Id":             {"Root=1-2-3"},
		"Lambda-Runtime-Client-Context":       {`{"client":{}}`},
		"Lambda-Runtime-Cognito-Identity":     {`{"cognitoIdentityId":"c"}`},
		"Lambda-Runtime-Aws-Tenant-Id":        {"blue"},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestNext_EmptyFields_LeaveHeadersOut(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	got := await(f, polled, "the event")
	for _, name := range []string{"Trace-Id", "Client-Context", "Cognito-Identity", "Aws-Tenant-Id"} {
		if v, ok := got.header["Lambda-Runtime-"+name]; ok {
			t.Errorf("header %s is %q", name, v)
		}
	}
	if got.body != "" || got.header.Get("Content-Length") != "0" {
		t.Errorf("got body %q of length %s", got.body, got.header.Get("Content-Length"))
	}
}

func TestNext_ValueWithNewline_AddsNoHeader(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1", ClientContext: "{}\r\nEvil: 1"}, nil)
	got := await(f, polled, "the event")
	if got.status != http.StatusOK || got.header.Get("Evil") != "" {
		t.Errorf("got %d %v %v", got.status, got.header, got.err)
	}
}

func TestNext_WhileRunning_SameEventAgain(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, nil)
	first, second := await(f, polled, "the event"), f.get(nextPath)
	first.header.Del("Date")
	second.header.Del("Date")
	if diff := cmp.Diff(first.header, second.header); diff != "" || second.body != "1" {
		t.Errorf("got body %q, headers (-first +second):\n%s", second.body, diff)
	}
	if got := f.session.State(); got != runtimeapi.Running {
		t.Errorf("state %s", got)
	}
}

func TestNext_ClientGone_EventWaitsForTheNextPoll(t *testing.T) {
	f := serve(t)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := f.poll(ctx)
	await(f, f.session.Initialized(), "the first poll")
	hangUp()
	await(f, gone, "the end of the first poll")
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, nil)
	if got := await(f, f.poll(t.Context()), "the event"); got.body != "1" {
		t.Errorf("got %+v", got)
	}
	if !call.Delivered() {
		t.Error("the event does not count as delivered")
	}
}

func TestNext_TwoPolls_OneGetsTheEvent(t *testing.T) {
	f := serve(t)
	one, two := f.ready(), f.poll(t.Context())
	f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, nil)
	// The second poll may have come before the event or after; after, it gets
	// the same event again. Either way the session goes on.
	select {
	case got := <-one:
		if got.body != "1" {
			t.Errorf("got %+v", got)
		}
	case got := <-two:
		if got.body != "1" {
			t.Errorf("got %+v", got)
		}
	}
	f.wantAccepted(f.post(responsePath("id-1"), "{}"))
}

func TestNext_AnsweredEvent_EndsTheCall(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	ended := make(chan runtimeapi.Response, 2)
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, func(c *runtimeapi.Call) {
		answer, ok := c.Answer()
		if !ok {
			t.Error("no answer at the end of the call")
		}
		ended <- answer
	})
	await(f, polled, "the event")
	f.wantAccepted(f.post(responsePath("id-1"), `"done"`))
	select {
	case <-ended:
		t.Error("the call ended before the runtime was back")
	default:
	}
	again := f.poll(t.Context())
	if got := await(f, ended, "the end of the call"); string(got.Payload) != `"done"` {
		t.Errorf("ended with %+v", got)
	}
	f.invoke(&hearth.Invocation{RequestID: "id-2", Payload: []byte("2")}, nil)
	if got := await(f, again, "the second event"); got.body != "2" {
		t.Errorf("got %+v", got)
	}
	if len(ended) != 0 {
		t.Error("the call ended twice")
	}
}

func TestNext_AfterInitError_IsRefused(t *testing.T) {
	f := serve(t)
	f.wantAccepted(f.post(initErrorPath, "{}"))
	f.wantError(f.get(nextPath), http.StatusForbidden, "InvalidStateTransition",
		"State transition from InitError to Ready failed for runtime. Error: State transition is not allowed")
}

func TestNext_SessionReplaced_PollIsAborted(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	f.server.Begin()
	if got := await(f, polled, "the end of the poll"); got.err == nil {
		t.Errorf("got %+v", got)
	}
}

// A killed runtime's last request can still be in its connection when its
// successor is started.
func TestBegin_EarlierConnection_DoesNotReachTheNewSession(t *testing.T) {
	f := serve(t)
	old := f.dial()
	old.send("GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := old.receive(); got.body != "pong" {
		t.Fatalf("got %+v", got)
	}
	fresh := f.server.Begin()
	old.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	f.wantError(old.receive(), http.StatusForbidden, "InvalidStateTransition",
		"State transition from Started to Ready failed for runtime. Error: State transition is not allowed")
	if got := fresh.State(); got != runtimeapi.Started {
		t.Errorf("the new session is %s", got)
	}
}

func TestInvoke_RuntimeBusy_Fails(t *testing.T) {
	f := serve(t)
	f.running()
	if _, err := f.session.Invoke(&hearth.Invocation{RequestID: "id-2"}, time.Second, nil); err == nil || !strings.Contains(err.Error(), "busy in state Running") {
		t.Errorf("got %v", err)
	}
}

func TestInvoke_EventWaiting_Fails(t *testing.T) {
	f := serve(t)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := f.poll(ctx)
	await(f, f.session.Initialized(), "the first poll")
	hangUp()
	await(f, gone, "the end of the poll")
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	if _, err := f.session.Invoke(&hearth.Invocation{RequestID: "id-2"}, time.Second, nil); err == nil {
		t.Error("took a second event")
	}
}

// What was withdrawn is for another environment: no poll may have it.
func TestWithdraw_EventWaiting_NobodyGetsIt(t *testing.T) {
	f := serve(t)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := f.poll(ctx)
	await(f, f.session.Initialized(), "the first poll")
	hangUp()
	await(f, gone, "the end of the poll")
	call := f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	if !f.session.Withdraw(call) {
		t.Fatal("not withdrawn")
	}
	polled := f.ready()
	f.session.End()
	if got := await(f, polled, "the end of the poll"); got.status == http.StatusOK {
		t.Errorf("got %+v", got)
	}
	if !f.session.Withdraw(call) || call.Delivered() {
		t.Error("delivered")
	}
}

// Whoever withdraws an event while a poll gets it is told which came first.
func TestWithdraw_WhileItIsDelivered_OneOfBoth(t *testing.T) {
	for range 200 {
		f := serve(t)
		polled := f.ready()
		call := f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
		withdrawn := f.session.Withdraw(call)
		f.session.End()
		if got := await(f, polled, "the end of the poll"); withdrawn && got.status == http.StatusOK {
			t.Fatalf("withdrawn and sent: %s", got.body)
		}
		if withdrawn == call.Delivered() {
			t.Fatalf("withdrawn and delivered are both %t", withdrawn)
		}
	}
}

func TestInvoke_EndedSession_Fails(t *testing.T) {
	f := serve(t)
	f.ready()
	f.session.End()
	if _, err := f.session.Invoke(&hearth.Invocation{RequestID: "id-1"}, time.Second, nil); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("got %v", err)
	}
}

func TestClose_PollWaits_Returns(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	if err := f.server.Close(); err != nil {
		t.Error(err)
	}
	if got := await(f, polled, "the end of the poll"); got.err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestClose_RequestInProgress_WaitsForIt(t *testing.T) {
	f := serve(t)
	polled := f.ready()
	entered, leave := make(chan struct{}), make(chan struct{})
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, func(*runtimeapi.Call) {
		close(entered)
		<-leave
	})
	await(f, polled, "the event")
	f.wantAccepted(f.post(responsePath("id-1"), ""))
	f.poll(t.Context())
	await(f, entered, "the end of the call")
	closed := make(chan error, 1)
	go func() { closed <- f.server.Close() }()
	// The session has ended once Close has begun.
	for deadline := time.Now().Add(patience); ; {
		if _, err := f.session.Invoke(&hearth.Invocation{}, 0, nil); err != nil && strings.Contains(err.Error(), "ended") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Close does not end the session")
		}
	}
	if len(closed) > 0 {
		t.Error("Close did not wait for the request")
	}
	close(leave)
	if err := await(f, closed, "Close"); err != nil {
		t.Error(err)
	}
}
