package runtimeapi_test

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// FuzzRequest sends a runtime's arbitrary request in each state of the
// protocol. Whatever it is, the server then serves the next session in full.
func FuzzRequest(f *testing.F) {
	const streaming = "Transfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
	for state := range byte(5) {
		f.Add(state, "POST", responsePath("id-1"), streaming, "1\r\nx\r\n0\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n")
		f.Add(state, "POST", responsePath("id-1"), streaming, "ffffffff\r\nx")
		f.Add(state, "GET", nextPath, "", "")
		f.Add(state, "POST", responsePath("id-1"), "Content-Length: 2\r\n", "{}")
		f.Add(state, "POST", errorPath("id-1"), "Content-Length: 20\r\nContent-Type: application/vnd.aws.lambda.error.cause+json\r\n", "{}")
		f.Add(state, "POST", initErrorPath, "Transfer-Encoding: chunked\r\nLambda-Runtime-Function-Error-Type: Function.\r\n", "2\r\n{}\r\n0\r\n\r\n")
	}
	f.Add(byte(0), "OPTIONS", "*", "", "")
	f.Add(byte(1), "CONNECT", "x:1", "Expect: 100-continue\r\nContent-Length: 99999999\r\n", "x")
	f.Add(byte(2), "GET", "//%2e%2e/2018-06-01/ping?x#y", "Host: y\r\n", "GET / HTTP/1.1\r\n\r\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	server := runtimeapi.Serve(l, options())
	f.Cleanup(func() { server.Close() })
	explore(f)
	f.Fuzz(func(t *testing.T, state byte, method, path, header, body string) {
		session := server.Begin()
		enterState(t, l.Addr().String(), session, state%5)
		conn := dial(t, l.Addr().String())
		// Not all of it may be read, and the answer may be none.
		_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", method, path, header, body)
		_ = conn.(*net.TCPConn).CloseWrite()
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			if res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusNotImplemented && res.StatusCode != http.StatusHTTPVersionNotSupported {
				t.Errorf("answered with %d", res.StatusCode)
			}
			res.Body.Close()
		} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() { //nolint:errorlint // a deadline of net comes bare
			t.Error("neither answered nor hung up")
		}
		conn.Close()

		next := server.Begin()
		enterState(t, l.Addr().String(), next, 3)
		if got := next.State(); got != runtimeapi.Responded {
			t.Errorf("the next session stopped at %s", got)
		}
	})
}

// explore makes the fuzzer look for inputs instead of shortening them, unless a
// flag says how long it may. Which lines of the server an input reaches depends
// on its goroutines' luck, too, and with the default of a minute for each input
// that seemed to be new nearly all time was spent on trying to repeat that luck.
func explore(f *testing.F) {
	const name = "test.fuzzminimizetime"
	chosen := false
	flag.Visit(func(given *flag.Flag) { chosen = chosen || given.Name == name })
	if chosen {
		return
	}
	if err := flag.Set(name, "10x"); err != nil {
		f.Fatal(err)
	}
}

// enterState brings a session to Started, Ready, Running, Responded, or to
// Running with a caller that takes the response as it comes, and has left. It
// is Ready without a poll that waits.
func enterState(t *testing.T, addr string, s *runtimeapi.Session, state byte) {
	t.Helper()
	if state == 0 {
		return
	}
	conn := dial(t, addr)
	defer conn.Close()
	r := bufio.NewReader(conn)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", nextPath)
	select {
	case <-s.Initialized():
	case <-time.After(patience):
		t.Fatal("never ready")
	}
	if state == 1 {
		return
	}
	inv := &hearth.Invocation{RequestID: "id-1", Payload: []byte("1")}
	if state == 4 {
		inv.Stream = hearth.NewStream()
		inv.Stream.Discard()
	}
	if _, err := s.Invoke(inv, time.Second, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(http.ReadResponse(r, nil)); got.body != "1" {
		t.Fatalf("poll: %+v", got)
	}
	if state != 3 {
		return
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", responsePath("id-1"))
	if got := read(http.ReadResponse(r, nil)); got.status != http.StatusAccepted || !strings.HasPrefix(got.body, "{") {
		t.Fatalf("response: %+v", got)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}
