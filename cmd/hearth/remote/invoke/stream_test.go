package invoke_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/invoke"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

const streaming = "POST /2021-11-15/functions/f/response-streaming-invocations"

// streamed answers with pieces and an end; nil: the connection ends without one.
func streamed(end *api.InvokeWithResponseStreamCompleteEvent, pieces ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		events := api.NewEventWriter(w)
		for _, piece := range pieces {
			if events.PayloadChunk([]byte(piece)) != nil {
				return
			}
		}
		if end != nil {
			_ = events.InvokeComplete(end)
		}
	}
}

func text(s string) *string { return &s }

func TestInvokeStream_ByteForByte(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[streaming] = streamed(&api.InvokeWithResponseStreamCompleteEvent{LogResult: text("U1RBUlQK")}, "one\n", "\x00two")
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--stream", "--tail", "--payload", `{"a":1}`)
	if want := (remotetest.Outcome{Stdout: "one\n\x00two", Stderr: "START\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{streaming + ` {"a":1}`}, d.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestInvokeStream_AsItComes has the daemon wait with the second piece for the
// first to be printed.
func TestInvokeStream_AsItComes(t *testing.T) {
	d := remotetest.NewDaemon(t)
	printed := make(chan string, 2)
	d.Answers[streaming] = func(w http.ResponseWriter, r *http.Request) {
		events := api.NewEventWriter(w)
		_ = events.PayloadChunk([]byte("first"))
		select {
		case got := <-printed:
			_ = events.PayloadChunk([]byte("/" + got + " was printed"))
		case <-r.Context().Done():
		}
		_ = events.InvokeComplete(&api.InvokeWithResponseStreamCompleteEvent{})
	}
	var stdout strings.Builder
	code := remotetest.Run(t.Context(), &terminal.Terminal{
		Stdout: writerFunc(func(p []byte) (int, error) {
			printed <- string(p)
			return stdout.Write(p)
		}),
		Stderr: io.Discard, Getenv: func(string) string { return "" },
	}, invoke.NewCommand, "invoke", "f", "--stream", "--endpoint", d.URL)
	if want := "first/first was printed"; code != exit.OK || stdout.String() != want {
		t.Errorf("exit code %d, output %q, want %q", code, stdout.String(), want)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestInvokeStream_Ends(t *testing.T) {
	tests := []struct {
		name   string
		end    *api.InvokeWithResponseStreamCompleteEvent
		code   int
		stderr string
	}{
		{"with an error", &api.InvokeWithResponseStreamCompleteEvent{ErrorCode: text("Function.Unknown"), ErrorDetails: text("boom")},
			exit.Function, "hearth: function failed: Function.Unknown: boom\n"},
		{"with an error and no details", &api.InvokeWithResponseStreamCompleteEvent{ErrorCode: text("Unhandled")},
			exit.Function, "hearth: function failed: Unhandled\n"},
		{"too early", nil, exit.Internal, "hearth: invoke f: the stream ended without InvokeComplete\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := remotetest.NewDaemon(t)
			d.Answers[streaming] = streamed(test.end, "half")
			got := d.Run(t, invoke.NewCommand, "invoke", "f", "--stream")
			if want := (remotetest.Outcome{Code: test.code, Stdout: "half", Stderr: test.stderr}); got != want {
				t.Errorf("outcome = %+v, want %+v", got, want)
			}
		})
	}
}

func TestInvokeStream_NoStream(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[streaming] = remotetest.Success(`{"not":"a stream"}`)
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--stream")
	if got.Code != exit.Internal || !strings.Contains(got.Stderr, "read the stream: ") {
		t.Errorf("outcome = %+v, want code %d and what was wrong", got, exit.Internal)
	}
}

func TestInvokeStream_WithOtherModes(t *testing.T) {
	for _, flag := range []string{"--async", "--dry-run", "--json"} {
		if got := remotetest.NewDaemon(t).Run(t, invoke.NewCommand, "invoke", "f", "--stream", flag); got.Code != exit.Usage {
			t.Errorf("--stream %s: %+v, want code %d", flag, got, exit.Usage)
		}
	}
}
