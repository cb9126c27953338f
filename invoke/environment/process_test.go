package environment_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/process"
)

// runtimeVariable makes the test binary a runtime, which does what each event
// says.
const runtimeVariable = "HEARTH_TEST_RUNTIME"

func TestMain(m *testing.M) {
	if os.Getenv(runtimeVariable) != "" {
		if err := obey(os.Getenv("AWS_LAMBDA_RUNTIME_API")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
		return
	}
	os.Exit(m.Run())
}

// obey is a runtime over a socket.
func obey(api string) error {
	conn, err := net.Dial("tcp", api)
	if err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	for {
		fmt.Fprintf(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		order, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		answer, err := carryOut(string(order))
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
			res.Header.Get("Lambda-Runtime-Aws-Request-Id"), len(answer), answer)
		if res, err = http.ReadResponse(in, nil); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
	}
}

func carryOut(order string) (answer string, err error) {
	verb, arg, _ := strings.Cut(order, " ")
	switch verb {
	case "exit":
		code, err := strconv.Atoi(arg)
		if err != nil {
			return "", err
		}
		os.Exit(code)
	case "die":
		return "", syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		select {}
	case "print":
		for i := range 2000 {
			fmt.Println("line", i)
		}
		fmt.Fprintln(os.Stderr, "and an error")
	case "tell": // as a worker process does that has a log of its own
		log, err := net.Dial("unix", os.Getenv("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"))
		if err != nil {
			return "", err
		}
		_, err = fmt.Fprintln(log, arg)
		return "told", errors.Join(err, log.Close())
	case "child": // one that holds the output and outlives its parent's answer
		child := exec.Command("sleep", "600")
		child.Stdout = os.Stdout
		return "started", child.Start()
	case "count": // what /tmp remembers
		f, err := os.OpenFile(filepath.Join(os.TempDir(), "count"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := f.WriteString("x"); err != nil {
			return "", err
		}
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(info.Size(), 10), nil
	}
	return strconv.Itoa(os.Getpid()), nil
}

// openProcess opens an environment of real processes; args is its command.
func openProcess(t *testing.T, args ...string) (*environment.Environment, *journal) {
	t.Helper()
	opts, j := processOptions(t, args...)
	env, err := environment.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeProcess(t, env, opts.Driver) })
	return env, j
}

// openMultiConcurrentProcess is openProcess for a runtime that takes several events.
func openMultiConcurrentProcess(t *testing.T, args ...string) (*environment.MultiConcurrent, *journal) {
	t.Helper()
	opts, j := processOptions(t, args...)
	opts.InitType, opts.Function.Managed = hearth.InitManaged, &hearth.ManagedInstances{MaxConcurrency: 3}
	env, err := environment.OpenMultiConcurrent(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeProcess(t, env, opts.Driver) })
	return env, j
}

func processOptions(t *testing.T, args ...string) (environment.Options, *journal) {
	t.Helper()
	driver, err := process.New(process.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{}
	return environment.Options{
		ID: "env-1", Function: function(), Driver: driver, Recorder: j, InitType: "on-demand",
		Launch: &environment.Launch{
			Spec: sandbox.Spec{Task: t.TempDir()},
			Runtime: started(func(sandbox.Paths) (environment.Command, error) {
				return environment.Command{Args: args, Env: map[string]string{runtimeVariable: "1"}}, nil
			}),
		},
	}, j
}

func closeProcess(t *testing.T, env io.Closer, driver sandbox.Driver) {
	t.Helper()
	if err := env.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := driver.Close(); err != nil {
		t.Errorf("close driver: %v", err)
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// order runs an event to its end, the environment's being free included.
func order(t *testing.T, env *environment.Environment, what string) hearth.Result {
	t.Helper()
	freed := make(chan struct{})
	res, err := env.Invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte(what)}, func() { close(freed) })
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-freed:
	case <-time.After(20 * time.Second):
		t.Fatal("never freed")
	}
	return res
}

func TestProcess_Exits_ResultSaysHow(t *testing.T) {
	t.Parallel()
	env, _ := openProcess(t, self(t))
	if !env.Init() {
		t.Fatal("init failed")
	}
	for what, how := range map[string]string{
		"exit 0": "Runtime exited without providing a reason",
		"exit 3": "Runtime exited with error: exit status 3",
		"die":    "Runtime exited with error: signal: killed",
	} {
		if got := string(order(t, env, what).Payload); got != exitError("id-1", how) {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := order(t, env, "pid"); got.FunctionError != "" {
		t.Errorf("afterwards: %s", got.Payload)
	}
}

func TestProcess_Warm_IsTheSame(t *testing.T) {
	t.Parallel()
	env, _ := openProcess(t, self(t))
	env.Init()
	first := string(order(t, env, "pid").Payload)
	for range 100 {
		if got := string(order(t, env, "pid").Payload); got != first {
			t.Fatalf("process %s, then %s", first, got)
		}
	}
}

func TestProcess_LogSocket_IsForSeveralEventsAtATime(t *testing.T) {
	t.Parallel()
	env, j := openMultiConcurrentProcess(t, self(t))
	if !env.Init() {
		t.Fatalf("init failed: %q", j.take())
	}
	res, err := env.Begin(&hearth.Invocation{RequestID: "id-1", Payload: []byte("tell the log")}, func() {})()
	if err != nil || string(res.Payload) != "told" {
		t.Fatalf("got %s, %v", res.Payload, err)
	}
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if got := j.take(); !slices.Contains(got, "> the log") {
		t.Errorf("journal %q", got)
	}
}

func TestProcess_Output_PrecedesTheEnd(t *testing.T) {
	t.Parallel()
	env, j := openProcess(t, self(t))
	env.Init()
	j.take()
	order(t, env, "print")
	got := j.take()
	n := len(got)
	if n != 2004 || got[0] != "start id-1" || got[n-2] != "runtimeDone id-1 success" || got[n-1] != "report id-1 success" {
		t.Fatalf("%d lines, from %q to %q", n, got[:1], got[max(0, n-3):])
	}
	last, errors := -1, 0
	for _, line := range got[1 : n-2] {
		if number, ok := strings.CutPrefix(line, "> line "); ok {
			if i, err := strconv.Atoi(number); err != nil || i != last+1 {
				t.Fatalf("%q after line %d", line, last)
			}
			last++
		} else if line == "> and an error" {
			errors++
		}
	}
	if last != 1999 || errors != 1 {
		t.Errorf("lines to %d, %d of standard error", last, errors)
	}
}

func TestProcess_TimesOut_TmpSurvivesTheReset(t *testing.T) {
	t.Parallel()
	env, j := openProcess(t, self(t))
	env.Init()
	if got := string(order(t, env, "count").Payload); got != "1" {
		t.Fatalf("count %s", got)
	}
	before := string(order(t, env, "pid").Payload)
	if got := string(order(t, env, "hang").Payload); got != failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds") {
		t.Errorf("got %s", got)
	}
	if got := string(order(t, env, "count").Payload); got != "2" {
		t.Errorf("count %s", got)
	}
	if after := string(order(t, env, "pid").Payload); after == before {
		t.Error("the process survived the reset")
	}
	if report := j.report(); report.MaxMemoryUsed <= 0 {
		t.Errorf("max memory used %d MB", report.MaxMemoryUsed)
	}
}

func TestProcess_ChildHoldsTheOutput_DiesWithTheReset(t *testing.T) {
	t.Parallel()
	env, _ := openProcess(t, self(t))
	env.Init()
	if got := string(order(t, env, "child").Payload); got != "started" {
		t.Fatalf("got %s", got)
	}
	order(t, env, "exit 1") // would not be free while the child writes
	if got := order(t, env, "pid"); got.FunctionError != "" {
		t.Errorf("afterwards: %s", got.Payload)
	}
}

func TestProcess_CannotBeExecuted_IsInvalidEntrypoint(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		"/nonexistent/bootstrap": "no such file or directory",
		plain:                    "permission denied",
	} {
		env, _ := openProcess(t, path)
		if env.Init() {
			t.Errorf("%s: ready", path)
		}
		want := failure("Runtime.InvalidEntrypoint", "id-1", "fork/exec "+path+": "+why)
		if got := string(order(t, env, "").Payload); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestProcess_ShellExitsInInit_SaysSo(t *testing.T) {
	t.Parallel()
	env, j := openProcess(t, "/bin/sh", "-c", "echo no such wrapper >&2; exit 127")
	if env.Init() {
		t.Error("ready")
	}
	if got := string(order(t, env, "").Payload); got != exitError("id-1", "Runtime exited with error: exit status 127") {
		t.Errorf("got %s", got)
	}
	lines := strings.Join(j.take(), "\n")
	if strings.Count(lines, "> no such wrapper") != 2 {
		t.Errorf("output: %s", lines)
	}
}
