package environment_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

// beginStream begins a streamed answer.
func (r *runtime) beginStream(id string) {
	fmt.Fprintf(r.conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"+
		"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n", id)
}

func (r *runtime) chunk(data string) { fmt.Fprintf(r.conn, "%x\r\n%s\r\n", len(data), data) }

// endStream ends the answer, with lines of trailers, and reads the reply.
func (r *runtime) endStream(trailers string) {
	fmt.Fprintf(r.conn, "0\r\n%s\r\n", trailers)
	if res, err := http.ReadResponse(r.in, nil); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
	}
}

// startStream starts an invocation whose caller takes the response as it comes.
// As every caller, it closes the stream when the invocation has its result.
func (f *fixture) startStream(id string) (*flight, *hearth.Stream) {
	stream := hearth.NewStream()
	fl := f.start(&hearth.Invocation{RequestID: id, Payload: []byte("{}"), Stream: stream, Tail: true})
	closing := &flight{f: f, ended: make(chan outcome, 1), freed: fl.freed}
	go func() { // ends with the invocation
		out := <-fl.ended
		stream.Close()
		closing.ended <- out
	}()
	return closing, stream
}

// wantStream reads a stream to its end.
func (f *fixture) wantStream(s *hearth.Stream, want string) {
	f.Helper()
	if got, err := io.ReadAll(s); err != nil || string(got) != want {
		f.Errorf("streamed %q %v, want %q", got, err, want)
	}
}

// prefixed answers the first event with a prefix, and then ends like then.
func prefixed(then program) program {
	return func(r *runtime) sandbox.Exit {
		id, _, ok := r.next()
		if !ok {
			return sandbox.Exit{}
		}
		r.beginStream(id)
		r.chunk("prefix")
		return then(r)
	}
}

func TestStream_Response_ArrivesBeforeTheResult(t *testing.T) {
	gate := make(chan struct{})
	f := open(t, func(r *runtime) sandbox.Exit {
		return r.serve(func(id, _ string) {
			r.beginStream(id)
			r.chunk("first ")
			<-gate
			r.chunk("second")
			r.endStream("")
		})
	}).ready()
	fl, stream := f.startStream("1")
	if head, ok := stream.Head(); !ok || head != (hearth.StreamHead{ContentType: "text/plain", ExecutedVersion: hearth.Latest}) {
		t.Errorf("head %+v, begun %v", head, ok)
	}
	got := make([]byte, 6)
	if _, err := io.ReadFull(stream, got); err != nil || string(got) != "first " {
		t.Errorf("read %q %v", got, err)
	}
	select {
	case out := <-fl.ended:
		t.Fatalf("the invocation ended before its response: %+v", out)
	default:
	}
	close(gate)
	f.wantStream(stream, "second")
	out := fl.finish()
	f.wantPayload(out, "")
	if !strings.Contains(string(out.LogTail), "report 1 success") {
		t.Errorf("tail %q", out.LogTail)
	}
	f.wantJournal("start 1", "runtimeDone 1 success", "report 1 success")
	for _, ev := range f.journal.events {
		if ev.Kind == hearth.EventRuntimeDone && ev.ProducedBytes != 12 {
			t.Errorf("produced %d bytes, want 12", ev.ProducedBytes)
		}
	}
}

func TestStream_WholeAnswer_IsInTheResult(t *testing.T) {
	f := open(t, echo).ready()
	fl, stream := f.startStream("1")
	f.wantPayload(fl.finish(), "{}")
	if _, begun := stream.Head(); begun {
		t.Error("the stream has begun")
	}
}

func TestStream_Trailers_AreTheFunctionsError(t *testing.T) {
	f := open(t, func(r *runtime) sandbox.Exit {
		return r.serve(func(id, payload string) {
			if payload == `"again"` {
				r.respond(id, payload)
				return
			}
			r.beginStream(id)
			r.chunk("prefix")
			r.endStream("Lambda-Runtime-Function-Error-Type: Error\r\nLambda-Runtime-Function-Error-Body: e30=\r\n")
		})
	}).ready()
	fl, stream := f.startStream("1")
	f.wantStream(stream, "prefix")
	f.wantFailure(fl.finish(), "", "{}")
	f.wantUsable()
	if n := f.starts.Load(); n != 1 {
		t.Errorf("%d starts: an error of the function reset its environment", n)
	}
}

func TestStream_Timeout_EndsItAndResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, prefixed((*runtime).hang), echo).ready()
		fl, stream := f.startStream("1")
		began := time.Now()
		f.wantStream(stream, "prefix")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the stream ended after %s, want the function's timeout", took)
		}
		f.wantFailure(fl.finish(), "Sandbox.Timedout", failure("Sandbox.Timedout", "1", "Task timed out after 3.00 seconds"))
		f.wantUsable()
		f.close()
	})
}

func TestStream_Exit_EndsItAndResets(t *testing.T) {
	f := open(t, prefixed(exit(7)), echo).ready()
	fl, stream := f.startStream("1")
	f.wantStream(stream, "prefix")
	f.wantFailure(fl.finish(), "Runtime.ExitError", exitError("1", "Runtime exited with error: exit status 7"))
	f.wantUsable()
}

func TestStream_Close_EndsIt(t *testing.T) {
	f := open(t, prefixed((*runtime).hang)).ready()
	fl, stream := f.startStream("1")
	if n, err := stream.Read(make([]byte, 6)); n != 6 || err != nil {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	f.close()
	if out := <-fl.ended; !errors.Is(out.err, environment.ErrInterrupted) {
		t.Errorf("got %+v, %v", out.Result, out.err)
	}
	f.wantStream(stream, "")
	<-fl.freed
}

// A function that waits for its caller is not waited for.
func TestStream_SlowCaller_TimeoutStillHolds(t *testing.T) {
	f := openWith(t, func(o *environment.Options) { o.Function.Timeout = 1 }, prefixed(func(r *runtime) sandbox.Exit {
		for range 1024 {
			r.chunk(strings.Repeat("x", 64<<10))
		}
		return sandbox.Exit{}
	}), echo).ready()
	fl, _ := f.startStream("1")
	if out := fl.finish(); out.ErrorType != "Sandbox.Timedout" {
		t.Errorf("got %s %q", out.ErrorType, out.Payload)
	}
	f.wantUsable()
}

func TestStream_CallerGone_FunctionGoesOn(t *testing.T) {
	f := open(t, func(r *runtime) sandbox.Exit {
		return r.serve(func(id, payload string) {
			if payload == `"again"` {
				r.respond(id, payload)
				return
			}
			r.beginStream(id)
			for range 64 {
				r.chunk(strings.Repeat("x", 64<<10))
			}
			r.endStream("")
		})
	}).ready()
	fl, stream := f.startStream("1")
	stream.Discard()
	f.wantPayload(fl.finish(), "")
	f.wantUsable()
	if n := f.starts.Load(); n != 1 {
		t.Errorf("%d starts: a caller that went away reset the environment", n)
	}
}
