package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
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
	d := newFakeDaemon(t)
	d.answers[streaming] = streamed(&api.InvokeWithResponseStreamCompleteEvent{LogResult: text("U1RBUlQK")}, "one\n", "\x00two")
	got := hearthAt(t, d, "invoke", "f", "--stream", "--tail", "--payload", `{"a":1}`)
	if want := (outcome{exitOK, "one\n\x00two", "START\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{streaming + ` {"a":1}`}, d.seen()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestInvokeStream_AsItComes has the daemon wait with the second piece for the
// first to be printed.
func TestInvokeStream_AsItComes(t *testing.T) {
	d := newFakeDaemon(t)
	printed := make(chan string, 2)
	d.answers[streaming] = func(w http.ResponseWriter, r *http.Request) {
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
	code := run(t.Context(), []string{"invoke", "f", "--stream", "--endpoint", d.url}, &cli{
		stdout: writerFunc(func(p []byte) (int, error) {
			printed <- string(p)
			return stdout.Write(p)
		}),
		stderr: io.Discard, getenv: func(string) string { return "" },
	})
	if want := "first/first was printed"; code != exitOK || stdout.String() != want {
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
			exitFunction, "hearth: function failed: Function.Unknown: boom\n"},
		{"with an error and no details", &api.InvokeWithResponseStreamCompleteEvent{ErrorCode: text("Unhandled")},
			exitFunction, "hearth: function failed: Unhandled\n"},
		{"too early", nil, exitInternal, "hearth: invoke f: the stream ended without InvokeComplete\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon(t)
			d.answers[streaming] = streamed(test.end, "half")
			got := hearthAt(t, d, "invoke", "f", "--stream")
			if want := (outcome{test.code, "half", test.stderr}); got != want {
				t.Errorf("outcome = %+v, want %+v", got, want)
			}
		})
	}
}

func TestInvokeStream_NoStream(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[streaming] = success(`{"not":"a stream"}`)
	got := hearthAt(t, d, "invoke", "f", "--stream")
	if got.code != exitInternal || !strings.Contains(got.stderr, "read the stream: ") {
		t.Errorf("outcome = %+v, want code %d and what was wrong", got, exitInternal)
	}
}

func TestInvokeStream_WithOtherModes(t *testing.T) {
	for _, flag := range []string{"--async", "--dry-run", "--json"} {
		if got := hearthIn(t, nil, "", "invoke", "f", "--stream", flag); got.code != exitUsage {
			t.Errorf("--stream %s: %+v, want code %d", flag, got, exitUsage)
		}
	}
}
