package runtimes_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

// echoes are a function in each language that returns its event.
func echoes(t *testing.T) map[string]function {
	t.Helper()
	return map[string]function{
		"python": {runtime: newest(t, runtimes.Python), handler: "app.handler", files: map[string]string{"app.py": "def handler(event, context):\n    return event\n"}},
		"node":   {runtime: newest(t, runtimes.Node), handler: "app.handler", files: map[string]string{"app.js": "exports.handler = async (event) => event;"}},
	}
}

func TestConnection_ClosedByServerAfterResponse(t *testing.T) {
	for name, fn := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			fn.next = func(w http.ResponseWriter) {
				w.Header().Set("Connection", "close")
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "first")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "1900000000000")
				_, _ = io.WriteString(w, "1")
			}
			e := start(t, fn)
			if got := e.posted(); got.path != "/2018-06-01/runtime/invocation/first/response" || got.body != "1" {
				t.Errorf("posted %s: %s", got.path, got.body)
			}
			if got := e.invoke("2"); got != "2" {
				t.Errorf("next call = %s", got)
			}
		})
	}
}

func TestConnection_LostInTheLongPollIsOpenedAgain(t *testing.T) {
	for name, fn := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			e := start(t, fn)
			e.polled(true)
			if got := e.invoke("1"); got != "1" {
				t.Errorf("response = %s", got)
			}
			e.polled(true)
			e.server.CloseClientConnections()
			e.polled(false)
			if got := e.invoke("2"); got != "2" {
				t.Errorf("response = %s", got)
			}
		})
	}
}

func TestConnection_RefusedNextEndsTheRuntime(t *testing.T) {
	for name, fn := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			fn.next = func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }
			e := start(t, fn)
			if status := e.exit(); status == 0 {
				t.Errorf("exit status = 0; log:\n%s", e.log)
			}
		})
	}
}
