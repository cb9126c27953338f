// Package extensions_test tests external extensions as processes: shell scripts that
// speak the Extensions API through curl, beside a runtime that is another, in
// each sandbox that has real processes.
package extensions_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/sandbox/process"
	"github.com/hearthd/hearth/telemetry/logs"
)

// An extended is an environment of real processes: a runtime and extensions
// that are shell scripts, whose requests are curl's.
type extended struct {
	*environment.Environment
	t         *testing.T
	log       *logText
	task, opt string // on the host
}

// logText is a log stream in memory.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Append(_ time.Time, message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(append(message, '\n'))
}

func (*logText) Name() string { return "2026/11/21/[$LATEST]0123456789abcdef" }

// take returns what was logged since the last time, with its numbers as N.
func (l *logText) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := regexp.MustCompile(`\d+\.\d+ ms|\d+ ms|Used: \d+`).ReplaceAllString(l.b.String(), "N")
	l.b.Reset()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// inEachSandbox runs a test in each sandbox that has real processes.
func inEachSandbox(t *testing.T, test func(t *testing.T, driver sandbox.Driver)) {
	for name, open := range map[string]func(dir string) (sandbox.Driver, error){
		"namespace": func(dir string) (sandbox.Driver, error) {
			return namespace.New(namespace.Options{StateDir: dir})
		},
		"process": func(dir string) (sandbox.Driver, error) { return process.New(process.Options{StateDir: dir}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, err := open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := driver.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, driver)
		})
	}
}

// openExtended opens an environment whose extensions register for events, and
// runs its init phase.
func openExtended(t *testing.T, driver sandbox.Driver, events string, names ...string) *extended {
	t.Helper()
	return openRuntime(t, driver, filepath.Join("testdata", "bootstrap"), events, names...)
}

// openRuntime is openExtended with a runtime.
func openRuntime(t *testing.T, driver sandbox.Driver, runtime, events string, names ...string) *extended {
	t.Helper()
	task, opt := t.TempDir(), t.TempDir()
	install(t, runtime, filepath.Join(task, "bootstrap"))
	for _, name := range names {
		install(t, filepath.Join("testdata", "probe.sh"), filepath.Join(opt, "extensions", name))
	}
	for _, dir := range []string{task, opt} {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // function code runs as another user
			t.Fatal(err)
		}
	}
	fn := &hearth.Function{
		Name:    hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"},
		Version: hearth.Latest, Handler: "h", MemorySize: 512, Timeout: 2, Environment: map[string]string{"EVENTS": events},
		Logging: hearth.Logging{Format: hearth.LogText, Group: "/aws/lambda/f"},
	}
	x := &extended{t: t, log: &logText{}, task: task, opt: opt}
	var err error
	x.Environment, err = environment.Open(t.Context(), environment.Options{
		ID: "extended", Function: fn, Driver: driver, Recorder: logs.NewRecorder(x.log, fn, logs.Runtime{}), InitType: hearth.InitOnDemand,
		Launch: &environment.Launch{
			Spec:    sandbox.Spec{Task: task, Opt: opt, Network: sandbox.NetworkNone},
			Runtime: packaged{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	if !x.Init() {
		t.Fatalf("init failed: %q", x.log.take())
	}
	return x
}

func install(t *testing.T, program, as string) {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(as), 0o755); err != nil { //nolint:gosec // function code runs as another user
		t.Fatal(err)
	}
	if err := os.WriteFile(as, content, 0o755); err != nil { //nolint:gosec // and executes this
		t.Fatal(err)
	}
}

// invoke runs an event with a request id. answered is when the caller had its
// result, freed when the environment was.
func (x *extended) invoke(id, payload string) (got string, answered, freed time.Duration) {
	x.t.Helper()
	began, done := time.Now(), make(chan struct{})
	res, err := x.Begin(&hearth.Invocation{RequestID: id, Payload: []byte(payload)}, func() { close(done) })()
	if err != nil {
		x.t.Fatal(err)
	}
	answered = time.Since(began)
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		x.t.Fatal("never free")
	}
	return string(res.Payload), answered, time.Since(began)
}

func (x *extended) want(got, want string) {
	x.t.Helper()
	if got != want {
		x.t.Errorf("got %s, want %s", got, want)
	}
}

func (x *extended) wantLog(want ...string) {
	x.t.Helper()
	if diff := cmp.Diff(want, x.log.take()); diff != "" {
		x.t.Errorf("log (-want +got):\n%s", diff)
	}
}

const (
	bothEvents = `"INVOKE","SHUTDOWN"`
	probeReady = "EXTENSION\tName: probe.sh\tState: Ready\tEvents: [SHUTDOWN, INVOKE]"
)

func report(id, end string) string {
	return fmt.Sprintf("REPORT RequestId: %s\tDuration: N\tBilled Duration: N\tMemory Size: 512 MB\tMax Memory N MB%s", id, end)
}

func TestExtensions_LifeInTheLog(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "probe.sh")
		got, answered, freed := x.invoke("slow-1", `"a"`)
		x.want(got, `["a",0]`)
		if freed-answered < 300*time.Millisecond {
			t.Errorf("answered after %v, free after %v: the extension took half a second", answered, freed)
		}
		x.wantLog(probeReady, "START RequestId: slow-1 Version: $LATEST", "probe.sh: event", "END RequestId: slow-1", report("slow-1", "\tInit Duration: N\t"))
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		// The runtime ends first, but each has a pipe of its own.
		ends := x.log.take()
		slices.Sort(ends)
		if diff := cmp.Diff([]string{`probe.sh: {"eventType":"SHUTDOWN","deadlineMs":N,"shutdownReason":"spindown"}`, "runtime: SIGTERM"}, ends); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestExtensions_CrashBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "probe.sh")
		x.log.take()
		got, _, _ := x.invoke("crash-early", `"hang"`)
		x.want(got, `{"errorType":"Extension.Crash","errorMessage":"RequestId: crash-early Error: exit status 17"}`)
		x.wantLog("START RequestId: crash-early Version: $LATEST", "runtime: SIGTERM", "END RequestId: crash-early",
			report("crash-early", "\tInit Duration: N\tStatus: error\tError Type: Extension.Crash"))
		got, _, _ = x.invoke("id-2", `"a"`)
		x.want(got, `["a",0]`)
		x.wantLog(probeReady, "START RequestId: id-2 Version: $LATEST", "probe.sh: event", "END RequestId: id-2", report("id-2", "\t"))
	})
}

func TestExtensions_CrashAfterTheAnswer_TmpSurvives(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "probe.sh")
		x.log.take()
		got, _, _ := x.invoke("crash-late", `"count"`)
		x.want(got, `["count",1]`)
		x.wantLog("START RequestId: crash-late Version: $LATEST", "runtime: SIGTERM", "END RequestId: crash-late",
			report("crash-late", "\tInit Duration: N\tStatus: error\tError Type: Extension.Crash"))
		got, _, _ = x.invoke("id-2", `"count"`)
		x.want(got, `["count",2]`)
	})
}

func TestExtensions_CrashInTheNextInit(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "probe.sh")
		x.invoke("ruin", `"a"`)
		x.log.take()
		got, _, _ := x.invoke("id-2", `"a"`)
		x.want(got, `{"errorType":"Extension.Crash","errorMessage":"RequestId: id-2 Error: exit status 17"}`)
		log := x.log.take()
		if want := []string{
			"EXTENSION\tName: probe.sh\tState: Registered\tEvents: [SHUTDOWN, INVOKE]",
			"INIT_REPORT Init Duration: N\tPhase: invoke\tStatus: error\tError Type: Extension.Crash",
			"START RequestId: id-2 Version: $LATEST",
		}; len(log) < 3 || !cmp.Equal(log[:3], want) {
			t.Errorf("log %q, want %q first", log, want)
		}
		got, _, _ = x.invoke("id-3", `"a"`)
		x.want(got, `["a",0]`)
	})
}

func TestExtensions_Timeout_OthersAreTold(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, `"SHUTDOWN"`, "probe.sh")
		x.log.take()
		got, answered, _ := x.invoke("id-1", `"hang"`)
		x.want(got, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id-1 Error: Task timed out after 2.00 seconds"}`)
		if answered > 3*time.Second {
			t.Errorf("answered after %v", answered)
		}
		log := strings.Join(x.log.take(), "\n")
		if !strings.Contains(log, `probe.sh: {"eventType":"SHUTDOWN","deadlineMs":N,"shutdownReason":"timeout"}`) || !strings.HasSuffix(log, "Status: timeout") {
			t.Errorf("log %s", log)
		}
	})
}

func TestExtensions_RuntimeExits_OthersAreTold(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "a", "b")
		x.log.take()
		got, _, _ := x.invoke("id-1", `"runtime-exit"`)
		x.want(got, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id-1 Error: Runtime exited with error: exit status 3"}`)
		log := strings.Join(x.log.take(), "\n")
		for _, name := range []string{"a", "b"} {
			if !strings.Contains(log, name+`: {"eventType":"SHUTDOWN","deadlineMs":N,"shutdownReason":"failure"}`) {
				t.Errorf("%s was not told: %s", name, log)
			}
		}
	})
}

// packaged is the bootstrap of the function's package as an environment.Runtime.
type packaged struct{}

func (packaged) Command(p sandbox.Paths) (environment.Command, error) {
	return environment.Command{Args: []string{p.Task + "/bootstrap"}}, nil
}

func (packaged) Release() {}
