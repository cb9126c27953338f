package longpoll_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth/runtimeapi/longpoll"
)

const patience = 10 * time.Second

// A station has one poll waiting.
type station struct {
	*testing.T
	queue   chan string
	ended   chan struct{}
	waiting chan struct{} // one for each poll
	taken   chan bool     // what take was told of gone
	over    chan bool     // what Await returned
	conn    net.Conn
}

// poll starts a server and sends it a request.
func poll(t *testing.T, request string) *station {
	s := &station{
		T: t, queue: make(chan string, 1), ended: make(chan struct{}),
		waiting: make(chan struct{}, 1), taken: make(chan bool, 1), over: make(chan bool, 1),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		longpoll.Begin(r)
		s.waiting <- struct{}{}
		to, event, ok := longpoll.Await(w, r, s.queue, s.ended, func(_ string, gone bool) bool {
			s.taken <- gone
			return !gone
		})
		s.over <- ok
		if !ok {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(to, event)
	}))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	s.conn = conn
	return s
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// response reads the answer, behind the interim ones.
func (s *station) response() string {
	s.Helper()
	in := bufio.NewReader(s.conn)
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			s.Fatal(err)
		}
		if res.StatusCode == http.StatusContinue {
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			s.Fatalf("%s, %v", res.Status, err)
		}
		return string(body)
	}
}

func (s *station) wantOver(want bool) {
	s.Helper()
	select {
	case got := <-s.over:
		if got != want {
			s.Errorf("Await returned %t", got)
		}
	case <-time.After(patience):
		s.Fatal("Await does not return")
	}
}

func (s *station) wantTaken(gone bool) {
	s.Helper()
	if got := <-s.taken; got != gone {
		s.Errorf("take was told gone = %t", got)
	}
}

func TestAwait_Event_IsAnswered(t *testing.T) {
	s := poll(t, get)
	<-s.waiting
	s.queue <- "event"
	if got := s.response(); got != "event" {
		t.Errorf("got %q", got)
	}
	s.wantTaken(false)
	s.wantOver(true)
}

func TestAwait_HalfClosed_IsAnswered(t *testing.T) {
	s := poll(t, get)
	if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-s.waiting
	if line, err := bufio.NewReaderSize(s.conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("got %q, %v", line, err)
	}
	s.queue <- "event"
	s.wantTaken(false)
	s.wantOver(true)
}

func TestAwait_ClientGone_Returns(t *testing.T) {
	s := poll(t, get)
	<-s.waiting
	s.conn.Close()
	s.wantOver(false)
}

func TestAwait_Ended_Returns(t *testing.T) {
	s := poll(t, get)
	<-s.waiting
	close(s.ended)
	s.wantOver(false)
}

func TestBegin_BodyThatEndsTooEarly_Aborts(t *testing.T) {
	s := poll(t, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(s.conn); len(got) > 0 || err != nil {
		t.Errorf("answered %q, %v", got, err)
	}
	if len(s.waiting) > 0 {
		t.Error("it waits for an event")
	}
}

func TestBegin_Body_IsThrownAway(t *testing.T) {
	s := poll(t, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
	<-s.waiting
	s.queue <- "event"
	if got := s.response(); got != "event" {
		t.Errorf("got %q", got)
	}
}
