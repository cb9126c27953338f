package runtimeapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/runtimeapi/extension"
)

// Some clients shut down their side of the connection once the request is out.
func TestNext_HalfClosed_GetsItsEvent(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	await(f, f.session.Initialized(), "the poll")
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	skipInterim(t, w) // the server has noticed
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte(`{"n":1}`)}, nil)
	got := receiveFinal(w)
	if got.status != http.StatusOK || got.body != `{"n":1}` || got.header.Get("Lambda-Runtime-Aws-Request-Id") != "id-1" {
		t.Errorf("got %+v", got)
	}
	f.wantAccepted(f.post(responsePath("id-1"), "2"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("2")})
}

func TestEvent_HalfClosed_GetsItsEvent(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x", "SHUTDOWN")
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", eventPath, identifier, id)
	f.wantState(id, extension.Ready)
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	skipInterim(t, w)
	f.session.Shutdown("spindown", time.Now())
	if got := receiveFinal(w); got.status != http.StatusOK || !strings.Contains(got.body, "spindown") {
		t.Errorf("got %+v", got)
	}
}

// A client that is wholly gone looks the same at first. Its successor gets the
// event.
func TestNext_GoneAfterHalfClose_EventGoesToTheNextPoll(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	await(f, f.session.Initialized(), "the poll")
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	skipInterim(t, w)
	w.Close()
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, nil)
	if got := await(f, f.poll(t.Context()), "the event"); got.body != "1" {
		t.Errorf("got %+v", got)
	}
	if !call.Delivered() {
		t.Error("not delivered")
	}
}

func TestClose_HalfClosedPoll_Returns(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	await(f, f.session.Initialized(), "the poll")
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	skipInterim(t, w)
	if err := f.server.Close(); err != nil {
		t.Error(err)
	}
	if got := receiveFinal(w); got.err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestResponse_HalfClosed_IsAccepted(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", responsePath("id-1"))
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("{}")})
}

// skipInterim reads one interim response.
func skipInterim(t *testing.T, w *wire) {
	t.Helper()
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if got, err := w.r.ReadString('\n'); got != want {
			t.Fatalf("got %q %v", got, err)
		}
	}
}

// receiveFinal reads a response as clients do, past interim ones.
func receiveFinal(w *wire) reply {
	for {
		got := w.receive()
		if got.status != http.StatusContinue {
			return got
		}
	}
}

func TestConnection_Pipelined_IsAnsweredInOrder(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	await(f, f.session.Initialized(), "the poll")
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1GET %s HTTP/1.1\r\nHost: x\r\n\r\n", responsePath("id-1"), nextPath)
	for _, id := range []string{"id-1", "id-2"} {
		ended := make(chan *runtimeapi.Call, 1)
		f.invoke(&hearth.Invocation{RequestID: id, Payload: []byte(id)}, func(c *runtimeapi.Call) { ended <- c })
		if got := w.receive(); got.body != id {
			t.Fatalf("got %+v", got)
		}
		if id == "id-1" {
			f.wantAccepted(w.receive())
			await(f, ended, "the end")
		}
	}
}

func TestNext_WithABody_GetsItsEvent(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", nextPath)
	await(f, f.session.Initialized(), "the poll")
	f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, nil)
	if got := w.receive(); got.body != "1" {
		t.Errorf("got %+v", got)
	}
}

func TestNext_WithHalfABody_IsAborted(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", nextPath)
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := w.receive(); got.err == nil {
		t.Errorf("got %+v", got)
	}
	if got := f.session.State(); got != runtimeapi.Started {
		t.Errorf("state %s", got)
	}
}

func TestConnection_HTTP10_IsServed(t *testing.T) {
	f := serve(t)
	w := f.dial()
	w.send("GET /2018-06-01/ping HTTP/1.0\r\n\r\n")
	if got := w.receive(); got.status != http.StatusOK || got.body != "pong" {
		t.Errorf("got %+v", got)
	}
}

// Both are for functions that are restored from snapshots only.
func TestRoutes_WithoutSnapStart_AreNotFound(t *testing.T) {
	f := serve(t)
	for _, path := range []string{"/2021-04-23/credentials", "/2018-06-01/runtime/restore/next"} {
		if got := f.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := f.post("/2018-06-01/runtime/restore/error", "{}"); got.status != http.StatusNotFound {
		t.Errorf("got %+v", got)
	}
}

func TestCall_Times_AreInOrder(t *testing.T) {
	f := serve(t)
	began := time.Now()
	call := f.running()
	f.wantAccepted(f.post(responsePath("id-1"), "{}"))
	f.poll(t.Context())
	for deadline := time.Now().Add(patience); call.Times().Returned.IsZero(); {
		if time.Now().After(deadline) {
			t.Fatal("never back")
		}
	}
	last := began
	got := call.Times()
	for _, moment := range []time.Time{got.Delivered, got.Responding, got.Responded, got.Returned} {
		if moment.Before(last) {
			t.Errorf("times %+v", got)
		}
		last = moment
	}
}
