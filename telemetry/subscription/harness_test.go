package subscription_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
)

// sandbox is a network with one listener that can come and go.
type sandbox struct {
	mu      sync.Mutex
	conns   chan net.Conn // nil: nobody listens
	dials   int
	batches [][]json.RawMessage
	status  int // that the listener answers with
	stuck   bool
	wg      sync.WaitGroup
	open    []net.Conn
}

func (s *sandbox) Dial(_ context.Context, port int) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.conns == nil || port != 4243 {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	s.open = append(s.open, far)
	s.conns <- far
	return near, nil
}

// Accept, Close and Addr make it a listener.
func (s *sandbox) Accept() (net.Conn, error) {
	c, ok := <-s.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (s *sandbox) Close() error   { return nil }
func (s *sandbox) Addr() net.Addr { return &net.TCPAddr{} }

// listen starts the extension's HTTP server.
func (s *sandbox) listen() {
	s.mu.Lock()
	s.conns, s.status = make(chan net.Conn, 100), 200
	s.mu.Unlock()
	server := &http.Server{Handler: http.HandlerFunc(s.serve)}
	s.wg.Go(func() { _ = server.Serve(s) })
}

func (s *sandbox) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var batch []json.RawMessage
	if err != nil || json.Unmarshal(body, &batch) != nil || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	status, stuck := s.status, s.stuck
	if status == 200 && !stuck {
		s.batches = append(s.batches, batch)
	}
	s.mu.Unlock()
	if stuck {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(status)
}

// end closes every connection, so that a synctest bubble can end.
func (s *sandbox) end() {
	s.mu.Lock()
	if s.conns != nil {
		close(s.conns)
	}
	for _, c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// types returns the types of all events that arrived, in order.
func (s *sandbox) types() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, batch := range s.batches {
		for _, raw := range batch {
			var e struct {
				Type   string
				Record json.RawMessage
			}
			if err := json.Unmarshal(raw, &e); err != nil {
				all = append(all, err.Error())
				continue
			}
			if e.Type == "function" || e.Type == "extension" {
				e.Type += "=" + string(e.Record)
			}
			all = append(all, strings.TrimPrefix(e.Type, "platform."))
		}
	}
	return strings.Join(all, " ")
}

// journal is the log stream's recorder.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Record(ev *hearth.PlatformEvent) { j.add(string(ev.Kind)) }
func (j *journal) Output(s hearth.LogSource, line []byte) {
	j.add(string(s) + " " + string(line))
}
func (j *journal) Message(m hearth.LogMessage) { j.add(string(m.Level) + " " + string(m.Text)) }
func (j *journal) CutTail(bool) []byte         { return []byte("tail") }
func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) count(line string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if l == line {
			n++
		}
	}
	return n
}

// rig is a hub with its surroundings.
type rig struct {
	*subscription.Hub
	t   *testing.T
	box *sandbox
	log *journal
}

// bubble runs a test with a hub whose init phase has begun.
func bubble(t *testing.T, test func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		defer func() {
			r.Close()
			r.box.end()
		}()
		test(t, r)
	})
}

func start(t *testing.T) *rig {
	r := &rig{t: t, box: &sandbox{}, log: &journal{}}
	env := schema.Environment{Function: &hearth.Function{Version: hearth.Latest, MemorySize: 128, Name: hearth.Name{Function: "f"}}}
	r.Hub = subscription.New(t.Context(), env, r.log, nil)
	r.Connect(r.box)
	r.event(hearth.EventInitStart)
	return r
}

func (r *rig) event(kind hearth.EventKind) {
	r.Record(&hearth.PlatformEvent{Kind: kind, Time: time.Now(), Status: hearth.StatusSuccess})
}

func (r *rig) fails(kind hearth.EventKind) {
	r.Record(&hearth.PlatformEvent{Kind: kind, Time: time.Now(), Status: hearth.StatusError})
}

func (r *rig) say(line string) { r.Output(hearth.SourceFunction, []byte(line)) }

const destination = `"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:4243/t"}`

// subscribe subscribes to platform events and lines of the function.
func (r *rig) subscribe(extra string) string {
	r.t.Helper()
	body := fmt.Sprintf(`{"schemaVersion":"2022-12-13","types":["platform","function"],%s%s}`, destination, extra)
	status, reply := r.Subscribe("ext", subscription.TelemetryAPI, []byte(body))
	if status != 200 {
		r.t.Fatalf("subscribe: %d %s", status, reply)
	}
	return string(reply)
}

// arrived compares what arrived so far.
func (r *rig) arrived(want string) {
	r.t.Helper()
	if got := r.box.types(); got != want {
		r.t.Errorf("arrived %q\nwant    %q", got, want)
	}
}

// lines reads n lines of a TCP subscriber.
func lines(conn net.Conn, n int) []string {
	var got []string
	for s := bufio.NewScanner(conn); len(got) < n && s.Scan(); {
		got = append(got, s.Text())
	}
	return got
}
