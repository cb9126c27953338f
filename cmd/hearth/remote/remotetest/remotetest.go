// Package remotetest has what tests of verbs need: a daemon that answers what a test
// tells it to, and a way to run a command line against it.
package remotetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

// Daemon answers "METHOD path" with what a test put into Answers before it asks,
// and 404 to anything else, as a daemon without that function would.
type Daemon struct {
	URL     string
	Answers map[string]http.HandlerFunc

	mu    sync.Mutex
	calls []string
}

// NewDaemon starts a daemon that ends with the test.
func NewDaemon(t *testing.T) *Daemon {
	t.Helper()
	d := &Daemon{Answers: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.URL = server.URL
	return d
}

// ServeHTTP notes the request and answers it.
func (d *Daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.mu.Lock()
	d.calls = append(d.calls, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	d.mu.Unlock()
	answer, ok := d.Answers[r.Method+" "+r.URL.Path]
	if !ok {
		answer = Failure(404, "ResourceNotFoundException", "Function not found")
	}
	answer(w, r)
}

// Calls returns the requests so far, as "METHOD path body".
func (d *Daemon) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// Success answers 200 with a body and headers such as "X-Amz-Log-Result: bG9n".
func Success(body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, body)
	}
}

// Failure answers with an error in AWS's form.
func Failure(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":%q}`, message)
	}
}

// Outcome is what a command line did.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Capture returns what run does with a terminal that has an environment and a
// standard input.
func Capture(env map[string]string, stdin string, run func(*terminal.Terminal) int) Outcome {
	var stdout, stderr bytes.Buffer
	code := run(&terminal.Terminal{
		Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return env[name] },
	})
	return Outcome{code, stdout.String(), stderr.String()}
}

// A Command is the constructor of a verb.
type Command = func(*remote.Daemon) *cobra.Command

// Run executes the arguments of a verb, such as "invoke", "f", as the program does,
// and returns the exit code.
func Run(ctx context.Context, t *terminal.Terminal, verb Command, args ...string) int {
	d := remote.New(t)
	root := &cobra.Command{Use: "hearth"}
	d.AddFlags(root.PersistentFlags())
	root.AddCommand(verb(d))
	root.SetArgs(args)
	root.SetOut(t.Stdout)
	root.SetErr(t.Stderr)
	return exit.Run(ctx, root, t.Stderr)
}

// RunIn runs a verb in an environment, with a standard input.
func RunIn(t *testing.T, env map[string]string, stdin string, verb Command, args ...string) Outcome {
	t.Helper()
	return Capture(env, stdin, func(term *terminal.Terminal) int { return Run(t.Context(), term, verb, args...) })
}

// Run runs a verb against the daemon, with nothing on standard input.
func (d *Daemon) Run(t *testing.T, verb Command, args ...string) Outcome {
	t.Helper()
	return RunIn(t, map[string]string{"HEARTH_ENDPOINT": d.URL}, "", verb, args...)
}
