package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/lambdaclient"
)

// fakeDaemon answers "METHOD path" with what a test put there, and 404 to
// anything else, as a daemon without that function would.
type fakeDaemon struct {
	url     string
	answers map[string]func(w http.ResponseWriter, r *http.Request)

	mu    sync.Mutex
	calls []string // "METHOD path body"
}

func newFakeDaemon(t *testing.T) *fakeDaemon {
	t.Helper()
	d := &fakeDaemon{answers: map[string]func(http.ResponseWriter, *http.Request){}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func (d *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.mu.Lock()
	d.calls = append(d.calls, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	d.mu.Unlock()
	answer, ok := d.answers[r.Method+" "+r.URL.Path]
	if !ok {
		answer = failure(404, "ResourceNotFoundException", "Function not found")
	}
	answer(w, r)
}

func (d *fakeDaemon) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

func success(body string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, body)
	}
}

func failure(status int, code, message string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":%q}`, message)
	}
}

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

// hearthIn runs a command line as main does, with an environment.
func hearthIn(t *testing.T, env map[string]string, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &cli{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		getenv: func(name string) string { return env[name] },
	})
	return outcome{code, stdout.String(), stderr.String()}
}

// hearthAt runs a command line against a daemon.
func hearthAt(t *testing.T, d *fakeDaemon, args ...string) outcome {
	t.Helper()
	return hearthIn(t, map[string]string{"HEARTH_ENDPOINT": d.url}, "", args...)
}

func TestRun_UsageErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"invok"}, `unknown command "invok"; did you mean "invoke"?`},
		{"unknown subcommand", []string{"functions", "remove"}, "unknown command"},
		{"unknown flag", []string{"invoke", "--nope", "f"}, "unknown flag: --nope"},
		{"missing argument", []string{"invoke"}, "accepts 1 arg(s), received 0"},
		{"flag value", []string{"status", "--wait", "soon"}, "invalid argument"},
		{"flags that exclude each other", []string{"invoke", "f", "--async", "--dry-run"}, "--async or --dry-run, not both"},
		{"endpoint", []string{"functions", "--endpoint", "localhost:1"}, "is not a URL such as"},
		{"payload file", []string{"invoke", "f", "--payload", "@/does/not/exist"}, "no such file"},
		{"tail without a response", []string{"invoke", "f", "--async", "--tail"}, "--tail needs a response"},
		{"stdin twice", []string{"invoke", "f", "--payload", "-", "--client-context", "-"}, "not both"},
		{"since", []string{"logs", "f", "--since", "yesterday"}, "neither a duration"},
		{"since in the future", []string{"logs", "f", "--since", "-5m"}, "in the future"},
		{"deploy of nothing", []string{"deploy", "/does/not/exist"}, "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := hearthIn(t, nil, "", test.args...)
			if got.code != exitUsage {
				t.Errorf("exit code = %d, want %d", got.code, exitUsage)
			}
			if !strings.Contains(got.stderr, test.want) || !strings.Contains(got.stderr, "--help") {
				t.Errorf("stderr does not contain %q and --help:\n%s", test.want, got.stderr)
			}
			if got.stdout != "" {
				t.Errorf("stdout = %q, want nothing", got.stdout)
			}
		})
	}
}

func TestRun_NoDaemon(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // its port is free now
	want := outcome{exitUnreachable, "", "hearth: list functions: no hearth daemon at " + server.URL + "; start one with: hearth serve\n"}
	got := hearthIn(t, map[string]string{"AWS_ENDPOINT_URL": server.URL}, "", "functions")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestRun_EndpointPrecedence(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/health"] = success(`{"status":"ok","version":"v9"}`)
	const dead = "http://127.0.0.1:1"
	tests := []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"flag", map[string]string{"HEARTH_ENDPOINT": dead}, []string{"--endpoint", d.url}},
		{"hearth's", map[string]string{"HEARTH_ENDPOINT": d.url, "AWS_ENDPOINT_URL_LAMBDA": dead, "AWS_ENDPOINT_URL": dead}, nil},
		{"Lambda's", map[string]string{"AWS_ENDPOINT_URL_LAMBDA": d.url, "AWS_ENDPOINT_URL": dead}, nil},
		{"AWS's", map[string]string{"AWS_ENDPOINT_URL": d.url}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := hearthIn(t, test.env, "", append(test.args, "status")...)
			if want := "hearth v9 at " + d.url + ": ok\n"; got.stdout != want {
				t.Errorf("stdout = %q, want %q; stderr %q", got.stdout, want, got.stderr)
			}
		})
	}
}

func TestRun_Interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := newFakeDaemon(t)
	d.answers["POST /2015-03-31/functions/f/invocations"] = func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}
	var stderr bytes.Buffer
	code := run(ctx, []string{"invoke", "f", "--endpoint", d.url}, &cli{stdout: io.Discard, stderr: &stderr, getenv: func(string) string { return "" }})
	if code != exitInterrupted || stderr.Len() > 0 {
		t.Errorf("exit code %d and stderr %q, want %d and nothing", code, &stderr, exitInterrupted)
	}
}

func TestExitCode_ByErrorKind(t *testing.T) {
	answer := func(status int) error { return fmt.Errorf("call: %w", &lambdaclient.Error{StatusCode: status}) }
	tests := []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("disk full"), exitInternal},
		{answer(500), exitInternal},
		{usagef("what"), exitUsage},
		{fmt.Errorf("%w: x", errFunctionFailed), exitFunction},
		{answer(404), exitNotFound},
		{fmt.Errorf("x: %w", hearth.ErrNotFound), exitNotFound},
		{answer(429), exitThrottled},
		{&hearth.Throttle{}, exitThrottled},
		{&lambdaclient.UnreachableError{}, exitUnreachable},
		{answer(409), exitConflict},
		{answer(412), exitConflict},
		{answer(400), exitInvalid},
		{answer(413), exitInvalid},
		{hearth.Errorf(hearth.ErrInvalidZip, "x"), exitInvalid},
		{answer(403), exitDenied},
		{answer(501), exitUnavailable},
		{answer(503), exitUnavailable},
		{context.Canceled, exitInternal}, // not by a signal
	}
	for _, test := range tests {
		if got := exitCode(t.Context(), test.err); got != test.want {
			t.Errorf("exit code of %v = %d, want %d", test.err, got, test.want)
		}
	}
}

func TestHelp_ExitCodes(t *testing.T) {
	got := hearthIn(t, nil, "", "help", "exit-codes")
	if got.code != exitOK {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	for _, k := range exitKinds() {
		if line := fmt.Sprintf("%5d  %s\n", k.code, k.meaning); !strings.Contains(got.stdout, line) {
			t.Errorf("the topic lacks %q", line)
		}
	}
}

// Every verb explains itself: a newcomer reads the help first.
func TestHelp_EveryCommand(t *testing.T) {
	c := &cli{getenv: func(string) string { return "" }}
	for _, cmd := range c.newRootCommand().Commands() {
		if cmd.Short == "" {
			t.Errorf("%s has no short help", cmd.Name())
		}
		got := hearthIn(t, nil, "", cmd.Name(), "--help")
		if got.code != exitOK || got.stdout == "" || got.stderr != "" {
			t.Errorf("%s --help: exit code %d, %d bytes on stdout, stderr %q", cmd.Name(), got.code, len(got.stdout), got.stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	if got := hearthIn(t, nil, "", "version"); got.stdout != "hearth "+version+"\n" {
		t.Errorf("stdout = %q", got.stdout)
	}
}

func TestCompletion_FunctionNames(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions"] = success(`{"Functions":[{"FunctionName":"one"},{"FunctionName":"two"}]}`)
	got := hearthAt(t, d, "__complete", "invoke", "")
	if !strings.HasPrefix(got.stdout, "one\ntwo\n") {
		t.Errorf("completions:\n%s", got.stdout)
	}
}

func TestDeploy_NewFunction(t *testing.T) {
	d := newFakeDaemon(t)
	created := false
	d.answers["GET /2015-03-31/functions/f/configuration"] = func(w http.ResponseWriter, r *http.Request) {
		if !created {
			failure(404, "ResourceNotFoundException", "Function not found")(w, r)
			return
		}
		success(`{"FunctionName":"f","Runtime":"python3.13","State":"Active"}`)(w, r)
	}
	d.answers["POST /2015-03-31/functions"] = func(w http.ResponseWriter, _ *http.Request) {
		created = true
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{}`)
	}
	archive := filepath.Join(t.TempDir(), "f.zip")
	if err := os.WriteFile(archive, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := hearthAt(t, d, "deploy", archive, "--runtime", "python3.13", "--handler", "a.b", "--timeout", "9", "--env", "K=v=w")
	if want := (outcome{exitOK, "created f (python3.13, 3 bytes)\n", ""}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	want := []string{
		"GET /2015-03-31/functions/f/configuration",
		`POST /2015-03-31/functions {"FunctionName":"f","Role":"` + defaultRole + `","Runtime":"python3.13","Handler":"a.b","Timeout":9,"Environment":{"Variables":{"K":"v=w"}},"Code":{"ZipFile":"emlw"}}`,
		"GET /2015-03-31/functions/f/configuration",
	}
	if diff := cmp.Diff(want, d.seen()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// deployDir writes a function's directory with a function.json.
func deployDir(t *testing.T, description string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"function.json": description, "app.py": "def handler(e, c): pass\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDeploy_ExistingFunction(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions/g/configuration"] = success(`{"FunctionName":"g","State":"Active","LastUpdateStatus":"Successful"}`)
	d.answers["PUT /2015-03-31/functions/g/configuration"] = success(`{}`)
	d.answers["PUT /2015-03-31/functions/g/code"] = success(`{}`)
	dir := deployDir(t, `{"FunctionName":"f","Runtime":"python3.11","Handler":"app.handler","MemorySize":256}`)
	got := hearthAt(t, d, "deploy", dir, "--name", "g", "--runtime", "python3.13", "--json")
	var configuration lambdaclient.Configuration
	if err := json.Unmarshal([]byte(got.stdout), &configuration); err != nil || configuration.FunctionName != "g" {
		t.Errorf("stdout is not the configuration of g (%v): %+v", err, got)
	}
	calls := d.seen()
	if len(calls) != 5 {
		t.Fatalf("%d calls, want 5: %q", len(calls), calls)
	}
	if want := `PUT /2015-03-31/functions/g/configuration {"Runtime":"python3.13","Handler":"app.handler","MemorySize":256}`; calls[1] != want {
		t.Errorf("call = %s, want %s", calls[1], want)
	}
	if !strings.HasPrefix(calls[3], `PUT /2015-03-31/functions/g/code {"ZipFile":"UEsD`) {
		t.Errorf("call = %s, want new code, a ZIP archive", calls[3])
	}
}

func TestDeploy_Undescribed(t *testing.T) {
	d := newFakeDaemon(t)
	got := hearthAt(t, d, "deploy", deployDir(t, `{"FunctionName":"f"}`))
	if got.code != exitUsage || !strings.Contains(got.stderr, "function.json, or with --runtime and --handler") {
		t.Errorf("outcome = %+v, want a usage error that says how to describe the function", got)
	}
}

func TestDeploy_BadDescription(t *testing.T) {
	got := hearthIn(t, nil, "", "deploy", deployDir(t, `{"Memory":1}`))
	if got.code != exitUsage || !strings.Contains(got.stderr, `unknown field "Memory"`) {
		t.Errorf("outcome = %+v, want a usage error that names the member", got)
	}
}
