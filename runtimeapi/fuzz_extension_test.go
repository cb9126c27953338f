package runtimeapi_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/runtimeapi/extension"
)

// FuzzExtension sends an extension's arbitrary request in each state of the
// protocol; % in its header stands for its identifier. Whatever it is, the
// server then serves the next session in full.
func FuzzExtension(f *testing.F) {
	const name, id = "Lambda-Extension-Name: x\r\n", "Lambda-Extension-Identifier: %\r\n"
	for state := range byte(4) {
		f.Add(state, "POST", registerPath, name+"Content-Length: 21\r\n", `{"events":["INVOKE"]}`)
		f.Add(state, "POST", registerPath, name+"Lambda-Extension-Accept-Feature: accountId,,\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")
		f.Add(state, "POST", registerPath, name+"Content-Length: 34\r\n", `{"events":[1],"configurationKeys":"`)
		f.Add(state, "GET", eventPath, id, "")
		f.Add(state, "GET", eventPath, "Lambda-Extension-Identifier: {urn:uuid:-}\r\n", "")
		f.Add(state, "POST", initFaultPath, id+"Lambda-Extension-Function-Error-Type: Extension.X\r\nContent-Length: 2\r\n", "{}")
		f.Add(state, "POST", exitFaultPath, id+"Lambda-Extension-Function-Error-Type: \tx\r\nContent-Length: 99\r\n", "{")
		f.Add(state, "PUT", telemetryPath, id+"Content-Length: 2\r\n", "{}")
		f.Add(state, "PUT", logsPath, id+"Transfer-Encoding: chunked\r\n", "fffff\r\n{")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	opts := options()
	opts.Subscriptions = discard{}
	server := runtimeapi.Serve(l, opts)
	f.Cleanup(func() { server.Close() })
	addr := l.Addr().String()
	explore(f)
	f.Fuzz(func(t *testing.T, state byte, method, path, header, body string) {
		session := server.Begin("x")
		id := enterExtensionState(t, addr, session, state%4)
		conn := dial(t, addr)
		defer conn.Close()
		// Not all of it may be read, and the answer may be none.
		_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", method, path, replaceID(header, id), body)
		_ = conn.(*net.TCPConn).CloseWrite()
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			if res.StatusCode == http.StatusInternalServerError {
				t.Errorf("answered with %d", res.StatusCode)
			}
			res.Body.Close()
		}
		conn.Close()

		next := server.Begin("x")
		enterExtensionState(t, addr, next, 3)
		if got := next.Extensions()[0].State; got != extension.Running {
			t.Errorf("the next session stopped at %s", got)
		}
	})
}

type discard struct{}

func (discard) Subscribe(string, string, []byte) (int, []byte) {
	return http.StatusOK, []byte(`"OK"`)
}

func replaceID(header, id string) string {
	var b []byte
	for i := range len(header) {
		if header[i] == '%' {
			b = append(b, id...)
		} else {
			b = append(b, header[i])
		}
	}
	return string(b)
}

// enterExtensionState brings the extension "x" to Started, Registered, Ready
// without a poll that waits, or Running. It returns its identifier.
func enterExtensionState(t *testing.T, addr string, s *runtimeapi.Session, state byte) (id string) {
	t.Helper()
	if state == 0 {
		return unknownID
	}
	conn := dial(t, addr)
	defer conn.Close()
	r := bufio.NewReader(conn)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: x\r\nContent-Length: 21\r\n\r\n%s", registerPath, `{"events":["INVOKE"]}`)
	got := read(http.ReadResponse(r, nil))
	if id = got.header.Get(identifier); id == "" {
		t.Fatalf("register: %+v", got)
	}
	if state == 1 {
		return id
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", eventPath, identifier, id)
	for deadline := time.Now().Add(patience); s.Extensions()[0].State != extension.Ready; {
		if time.Now().After(deadline) {
			t.Fatal("never ready")
		}
	}
	if state == 2 {
		return id
	}
	runtime := dial(t, addr)
	defer runtime.Close()
	fmt.Fprintf(runtime, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	select {
	case <-s.Initialized():
	case <-time.After(patience):
		t.Fatal("never initialized")
	}
	if _, err := s.Invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}, time.Second, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(http.ReadResponse(r, nil)); got.status != http.StatusOK {
		t.Fatalf("event: %+v", got)
	}
	return id
}
