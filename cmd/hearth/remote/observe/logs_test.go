package observe_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

func TestLogs_Lines(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/logs"] = remotetest.Success(`{"time":"2026-11-21T10:00:00.0256Z","stream":"s","message":"REPORT\t\n"}` + "\n")
	if got, want := d.Run(t, observe.NewLogsCommand, "logs", "f"), "2026-11-21T10:00:00.025Z REPORT\t\n"; got.Stdout != want {
		t.Errorf("stdout = %q, want %q", got.Stdout, want)
	}
	if got, want := d.Run(t, observe.NewLogsCommand, "logs", "f", "--json"), `{"time":"2026-11-21T10:00:00.0256Z","stream":"s","message":"REPORT\t\n"}`+"\n"; got.Stdout != want {
		t.Errorf("JSON = %q, want %q", got.Stdout, want)
	}
}

// Interrupting is how following ends; it is not an error.
func TestLogs_FollowInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/logs"] = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"message":"one"}`+"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	stdout := &cancelOnWrite{cancel: cancel}
	var stderr bytes.Buffer
	code := remotetest.Run(ctx, &terminal.Terminal{Stdout: stdout, Stderr: &stderr, Getenv: func(string) string { return "" }},
		observe.NewLogsCommand, "logs", "f", "--follow", "--endpoint", d.URL)
	if code != exit.OK || stderr.Len() > 0 || !strings.HasSuffix(stdout.String(), " one\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 0, the line, nothing", code, stdout, &stderr)
	}
}

// cancelOnWrite is the user who interrupts once there was something to read.
type cancelOnWrite struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *cancelOnWrite) Write(p []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(p)
}
