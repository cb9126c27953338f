package runtimeapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/runtimeapi/metadata"
)

const (
	nextPath      = "/2018-06-01/runtime/invocation/next"
	initErrorPath = "/2018-06-01/runtime/init/error"
	accepted      = `{"status":"OK"}` + "\n"
	patience      = 10 * time.Second
)

func responsePath(id string) string { return "/2018-06-01/runtime/invocation/" + id + "/response" }
func errorPath(id string) string    { return "/2018-06-01/runtime/invocation/" + id + "/error" }

func options() runtimeapi.Options {
	return runtimeapi.Options{Function: &hearth.Function{
		Name:    hearth.Name{Account: "123456789012", Region: "us-east-1", Function: "f"},
		Version: "7", Handler: "app.handler",
	}}
}

// A fixture is a server on a loopback port, with a session, and a client as a
// runtime has it.
type fixture struct {
	*testing.T
	server  *runtimeapi.Server
	session *runtimeapi.Session
	addr    string
	client  *http.Client
}

func serve(t *testing.T) *fixture {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, server: runtimeapi.Serve(l, options()), addr: l.Addr().String()}
	f.client = &http.Client{Transport: &http.Transport{}}
	f.session = f.server.Begin()
	t.Cleanup(func() {
		if err := f.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		f.client.CloseIdleConnections()
	})
	return f
}

// A reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func read(res *http.Response, err error) reply {
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: string(body), err: err}
}

func (f *fixture) request(ctx context.Context, method, path string, body io.Reader, header ...string) reply {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+f.addr+path, body)
	if err != nil {
		return reply{err: err}
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return read(f.client.Do(req))
}

func (f *fixture) get(path string) reply { return f.request(f.Context(), http.MethodGet, path, nil) }

func (f *fixture) post(path, body string, header ...string) reply {
	return f.request(f.Context(), http.MethodPost, path, strings.NewReader(body), header...)
}

// poll starts a long poll.
func (f *fixture) poll(ctx context.Context) <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- f.request(ctx, http.MethodGet, nextPath, nil) }()
	return got
}

// ready polls and waits until the server knows.
func (f *fixture) ready() <-chan reply {
	f.Helper()
	got := f.poll(f.Context())
	for deadline := time.Now().Add(patience); f.session.State() != runtimeapi.Ready; {
		if time.Now().After(deadline) {
			f.Fatalf("the runtime is %s", f.session.State())
		}
	}
	return got
}

func (f *fixture) invoke(inv *hearth.Invocation, onDone func(*runtimeapi.Call)) *runtimeapi.Call {
	f.Helper()
	var progress runtimeapi.Progress
	if onDone != nil {
		progress = done(onDone)
	}
	call, err := f.session.Invoke(inv, 3*time.Second, progress)
	if err != nil {
		f.Fatal(err)
	}
	return call
}

// done is a Progress that knows the end only.
type done func(*runtimeapi.Call)

func (done) Delivered(*runtimeapi.Call)   {}
func (done) RuntimeDone(*runtimeapi.Call) {}
func (d done) Done(c *runtimeapi.Call)    { d(c) }

// running brings the runtime to where it has event "id-1".
func (f *fixture) running() *runtimeapi.Call {
	f.Helper()
	polled := f.ready()
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte(`{"n":1}`)}, nil)
	if got := await(f, polled, "the event"); got.status != http.StatusOK {
		f.Fatalf("poll: %+v", got)
	}
	return call
}

// await receives, or fails the test.
func await[T any](f *fixture, from <-chan T, what string) T {
	f.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		f.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// wantError checks an error answer to the letter.
func (f *fixture) wantError(got reply, status int, errorType, message string) {
	f.Helper()
	want, err := json.Marshal(map[string]string{"errorMessage": message, "errorType": errorType})
	if err != nil {
		f.Fatal(err)
	}
	if got.err != nil || got.status != status || got.body != string(want)+"\n" || got.header.Get("Content-Type") != "application/json" {
		f.Errorf("got %d %q %v, want %d %q", got.status, got.body, got.err, status, want)
	}
}

func (f *fixture) wantAccepted(got reply) {
	f.Helper()
	if got.err != nil || got.status != http.StatusAccepted || got.body != accepted || got.header.Get("Content-Type") != "application/json" {
		f.Errorf("got %d %q %v, want 202 %q", got.status, got.body, got.err, accepted)
	}
}

// A wire is a connection on which a test writes its own bytes.
type wire struct {
	*net.TCPConn
	f *fixture
	r *bufio.Reader
}

func (f *fixture) dial() *wire {
	f.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		f.Fatal(err)
	}
	return &wire{TCPConn: conn.(*net.TCPConn), f: f, r: bufio.NewReader(conn)}
}

func (w *wire) send(format string, args ...any) {
	w.f.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		w.f.Fatal(err)
	}
}

func (w *wire) receive() reply {
	return read(http.ReadResponse(w.r, nil))
}

func TestServer_Metadata_ThroughAllSessions(t *testing.T) {
	f := serve(t)
	ask := func() reply {
		return f.request(f.Context(), http.MethodGet, metadata.Path, nil, "Authorization", "Bearer "+f.server.MetadataToken())
	}
	first := ask()
	f.session.End()
	f.server.Begin()
	f.client.CloseIdleConnections()
	for _, got := range []reply{first, ask()} {
		if got.status != http.StatusOK || got.body != `{"AvailabilityZoneID":"use1-az1"}` {
			t.Errorf("got %+v", got)
		}
	}
}
