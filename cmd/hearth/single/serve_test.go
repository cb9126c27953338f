package single

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

// announcement is a standard error stream that waits for the address that is listened
// on.
type announcement struct {
	mu   sync.Mutex
	text strings.Builder
	url  chan string // one
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text.Write(p)
	if url, ok := strings.CutPrefix(string(p), "listening on "); ok {
		a.url <- strings.TrimSpace(url)
	}
	return len(p), nil
}

func (a *announcement) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}

// emulating serves a program that is never asked for anything, until the end of the
// test, and returns where. said returns what it has said.
func emulating(t *testing.T) (url string, said func() string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	dir := dirWith(t, map[string]string{"program": "#!/bin/sh\n"})
	if err := os.Chmod(dir+"/program", 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	stderr := &announcement{url: make(chan string, 1)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- runRIE(ctx, &terminal.Terminal{Stderr: stderr, Getenv: os.Getenv}, []string{dir + "/program"}, "127.0.0.1:0")
	}()
	select {
	case url = <-stderr.url:
	case err := <-ended:
		stop()
		t.Fatalf("rie ended: %v: %s", err, stderr.said())
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("rie: %v", err)
		}
	})
	return url, stderr.said
}

// A plain process is what was asked for.
func TestRIE_SaysNothingOfIsolation(t *testing.T) {
	_, said := emulating(t)
	if text := said(); strings.Contains(text, "not enforced") {
		t.Errorf("it says %s", text)
	}
}

// The function ends with the command, and with it what was accepted: so nothing is.
func TestRIE_Events_AreRefused(t *testing.T) {
	url, _ := emulating(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Invocation-Type", "Event")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusNotImplemented || !strings.Contains(string(answer), "no queue for events") {
		t.Errorf("%s: %s", res.Status, answer)
	}
}
