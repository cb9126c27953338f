package slowbody_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth/internal/slowbody"
)

// send sends the beginning of a request and returns what comes back until the
// server closes the connection.
func send(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	server := httptest.NewServer(slowbody.Handler(h, time.Millisecond))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("the server keeps the connection: %v", err)
	}
	return string(answer)
}

const unfinished = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"

func TestHandler_BodyThatDoesNotCome(t *testing.T) {
	var readErr error
	answer := send(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, readErr = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
	}), unfinished)
	if !errors.Is(readErr, os.ErrDeadlineExceeded) {
		t.Errorf("reading the body: %v, want %v", readErr, os.ErrDeadlineExceeded)
	}
	if !strings.HasPrefix(answer, "HTTP/1.1 418 ") {
		t.Errorf("answer %q, want that of the handler", answer)
	}
}

// The server itself reads a body that its handler did not.
func TestHandler_BodyThatNobodyReads(t *testing.T) {
	answer := send(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}), unfinished)
	if !strings.HasPrefix(answer, "HTTP/1.1 403 ") {
		t.Errorf("answer %q, want that of the handler", answer)
	}
}

// deadlines records what is set for a connection.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestHandler_NoBoundBehindTheBody(t *testing.T) {
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	slowbody.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("reading on: %v, want %v", err, io.EOF)
		}
	}), time.Hour).ServeHTTP(d, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("body")))
	if len(d.set) < 2 || d.set[0].IsZero() || !d.set[len(d.set)-1].IsZero() {
		t.Errorf("deadlines %v, want some, and none in the end", d.set)
	}
}

func TestHandler_RequestWithoutBody(t *testing.T) {
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	slowbody.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), time.Hour).
		ServeHTTP(d, httptest.NewRequest(http.MethodGet, "/", nil))
	if len(d.set) != 0 {
		t.Errorf("deadlines %v, want none", d.set)
	}
}
