package environment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// An actor is an extension, from its start to its end.
type actor func(x *extension) sandbox.Exit

// extension is an extension of the mem driver with its client: a process of
// its own, or a part of a runtime.
type extension struct {
	*runtime
	name, id string
}

// event is what event/next answered.
type event struct {
	Type       string `json:"eventType"`
	DeadlineMs int64  `json:"deadlineMs"`
	RequestID  string `json:"requestId"`
	Reason     string `json:"shutdownReason"`
}

// call sends a request below /2020-01-01/extension/. The status is 0 when the
// process is being killed.
func (x *extension) call(method, path, body string, header ...string) (*http.Response, string) {
	fmt.Fprintf(x.conn, "%s /2020-01-01/extension/%s HTTP/1.1\r\nHost: x\r\nLambda-Extension-Name: %s\r\n", method, path, x.name)
	if x.id != "" {
		header = append(header, "Lambda-Extension-Identifier", x.id)
	}
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(x.conn, "%s: %s\r\n", header[i], header[i+1])
	}
	fmt.Fprintf(x.conn, "Content-Length: %d\r\n\r\n%s", len(body), body)
	res, err := http.ReadResponse(x.in, nil)
	if err != nil {
		return &http.Response{}, ""
	}
	answer, _ := io.ReadAll(res.Body)
	return res, string(answer)
}

func (x *extension) register(events ...string) bool {
	body, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		return false
	}
	res, _ := x.call("POST", "register", string(body))
	x.id = res.Header.Get("Lambda-Extension-Identifier")
	return res.StatusCode == http.StatusOK
}

// next polls. It reports false when the process is being killed.
func (x *extension) next() (ev event, ok bool) {
	res, body := x.call("GET", "event/next", "")
	return ev, res.StatusCode == http.StatusOK && json.Unmarshal([]byte(body), &ev) == nil
}

// report posts to init/error or exit/error.
func (x *extension) report(path string) int {
	res, _ := x.call("POST", path, `{"errorMessage":"no"}`, "Lambda-Extension-Function-Error-Type", "Extension.Broken")
	return res.StatusCode
}

// hang does nothing until the process is killed.
func (x *extension) hang() sandbox.Exit {
	<-x.ctx.Done()
	return sandbox.Exit{}
}

// serve registers, and then has each event handled until SHUTDOWN.
func (x *extension) serve(handle func(ev event), events ...string) sandbox.Exit {
	if !x.register(events...) {
		return sandbox.Exit{Code: 98}
	}
	for {
		ev, ok := x.next()
		if !ok {
			return sandbox.Exit{}
		}
		handle(ev)
		if ev.Type == "SHUTDOWN" {
			return sandbox.Exit{}
		}
	}
}

// idle is an extension for both events that does nothing.
func idle(x *extension) sandbox.Exit { return x.serve(func(event) {}, "INVOKE", "SHUTDOWN") }

// once registers for events, and after its first poll does what comes then.
func once(then actor, events ...string) actor {
	return func(x *extension) sandbox.Exit {
		if !x.register(events...) {
			return sandbox.Exit{Code: 98}
		}
		x.next()
		return then(x)
	}
}

// external is one external extension: what it does when it is started first,
// and so on; the last one from then on.
type external struct {
	name   string
	actors []actor
}

// openExtended opens an environment with external extensions. Whoever writes
// nothing lets the clock of a synctest bubble move.
func openExtended(t *testing.T, externals []external, programs ...program) *fixture {
	t.Helper()
	opt := t.TempDir()
	all := map[string]mem.Program{}
	for _, x := range externals {
		writeProgram(t, filepath.Join(opt, "extensions", x.name))
		var starts atomic.Int32
		all["/opt/extensions/"+x.name] = func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			act := x.actors[min(int(starts.Add(1)), len(x.actors))-1]
			return program(func(r *runtime) sandbox.Exit { return act(&extension{runtime: r, name: x.name}) }).run(ctx, p)
		}
	}
	return openPrograms(t, all, func(o *environment.Options) { o.Launch.Spec.Opt = opt }, programs...)
}

func writeProgram(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o755); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
}

// quietly is a process that does not write.
func quietly(p program) program {
	return func(r *runtime) sandbox.Exit {
		r.quiet()
		return p(r)
	}
}

func silently(act actor) actor {
	return func(x *extension) sandbox.Exit {
		x.quiet()
		return act(x)
	}
}

// one is an environment's only external extension.
func one(actors ...actor) []external { return []external{{"probe.sh", quietActors(actors)}} }

func quietActors(actors []actor) []actor {
	quiet := make([]actor, len(actors))
	for i, act := range actors {
		quiet[i] = silently(act)
	}
	return quiet
}

// An ending is how an extension comes to its end, and what the platform makes
// of it.
type ending struct {
	act                actor
	errorType, message string
}

// endings are the ways in which an extension can end that has registered.
func endings() map[string]ending {
	reporting := func(path string, code int) actor {
		return func(x *extension) sandbox.Exit {
			for range 2 { // again is accepted, too
				if status := x.report(path); status != http.StatusAccepted {
					return sandbox.Exit{Code: 97}
				}
			}
			return sandbox.Exit{Code: code}
		}
	}
	return map[string]ending{
		"exit 0":     {func(*extension) sandbox.Exit { return sandbox.Exit{} }, "Extension.Crash", "exit code 0"},
		"exit 17":    {func(*extension) sandbox.Exit { return sandbox.Exit{Code: 17} }, "Extension.Crash", "exit status 17"},
		"SIGKILL":    {func(*extension) sandbox.Exit { return sandbox.Exit{Signal: syscall.SIGKILL} }, "Extension.Crash", "signal: killed"},
		"init/error": {reporting("init/error", 1), "Extension.InitError", "exit status 1"},
		"exit/error": {reporting("exit/error", 0), "Extension.ExitError", "exit code 0"},
	}
}

// reports returns the platform events of a kind.
func (j *journal) of(kind hearth.EventKind) (events []hearth.PlatformEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, ev := range j.events {
		if ev.Kind == kind {
			events = append(events, ev)
		}
	}
	return events
}

// wantExtension checks the last state that was told of the only extension.
func (f *fixture) wantExtension(state, errorType string, events ...string) {
	f.Helper()
	all := f.journal.of(hearth.EventExtension)
	if len(all) == 0 {
		f.Fatal("nothing was told of the extension")
	}
	got := all[len(all)-1]
	if got.Name != "probe.sh" || got.State != state || got.ErrorType != errorType || !slices.Equal(got.Events, events) {
		f.Errorf("extension %s: %s %v %s, want %s %v %s", got.Name, got.State, got.Events, got.ErrorType, state, events, errorType)
	}
}

// lasted checks how long something took, by the bubble's clock.
func (f *fixture) lasted(began time.Time, want time.Duration) {
	f.Helper()
	if took := time.Since(began); took != want {
		f.Errorf("took %v, want %v", took, want)
	}
}

// trace is what several processes did, in order.
type trace struct{ steps chan string }

func newTrace() trace { return trace{make(chan string, 64)} }

func (t trace) add(step string) { t.steps <- step }

func (t trace) String() string {
	var all []string
	for len(t.steps) > 0 {
		all = append(all, <-t.steps)
	}
	return strings.Join(all, ", ")
}
