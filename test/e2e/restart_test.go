package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
)

// sandboxes runs a test with a daemon of each kind of sandbox.
func sandboxes(t *testing.T, test func(t *testing.T, d *daemon)) {
	for _, sandbox := range []string{"namespace", "process"} {
		t.Run(sandbox, func(t *testing.T) {
			t.Parallel()
			test(t, startDaemon(t, "--sandbox", sandbox))
		})
	}
}

// rootless runs a test with a daemon of an unprivileged user.
func rootless(t *testing.T, test func(t *testing.T, d *daemon)) {
	if os.Getuid() != 0 {
		t.Skip("needs root to become another user")
	}
	for _, sandbox := range []string{"namespace", "process"} {
		t.Run(sandbox, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(userDir(t), "--sandbox", sandbox)
			d.user = nobody
			d.startFor(t)
			test(t, d)
		})
	}
}

const nobody = 65534

// userDir is a directory of nobody's. It is not in t.TempDir, which nobody
// can enter.
func userDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hearth-e2e-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir
}

// servesEveryKind invokes a Python, a Node and a shell function twice.
func servesEveryKind(t *testing.T, d *daemon) {
	t.Helper()
	for name, create := range map[string]func(*testing.T, ...func(*lambda.CreateFunctionInput)) function{
		"python": d.python, "node": d.node, "shell": d.shell,
	} {
		t.Run(name, func(t *testing.T) {
			fn := create(t)
			cold, warm := fn.invoke(t, `{}`), fn.invoke(t, `{}`)
			if cold.FunctionError != "" || warm.FunctionError != "" {
				t.Fatalf("it failed: %s, %s\n%s", cold.Payload, warm.Payload, cold.Log)
			}
			if !strings.Contains(cold.Log, "Init Duration") || strings.Contains(warm.Log, "Init Duration") {
				t.Errorf("want a cold and a warm start; the logs are:\n%s%s", cold.Log, warm.Log)
			}
		})
	}
}

func TestSandbox_ServesEveryKindOfRuntime(t *testing.T) {
	t.Parallel()
	sandboxes(t, servesEveryKind)
}

func TestSandbox_RootlessServesEveryKindOfRuntime(t *testing.T) {
	t.Parallel()
	rootless(t, servesEveryKind)
}

func TestSandbox_EndsFunctionsThatTimeOut(t *testing.T) {
	t.Parallel()
	sandboxes(t, func(t *testing.T, d *daemon) {
		fn := d.python(t, timeout(1))
		res := fn.invoke(t, event(t, "exec", "subprocess.Popen(['sleep', '1000'], start_new_session=True); time.sleep(60)"))
		if !strings.Contains(res.Payload, "Sandbox.Timedout") {
			t.Errorf("got %s", res.Payload)
		}
		expect(t, fn, "1", 1)
		for _, p := range functionProcesses(fn.name) {
			if strings.Contains(p, "sleep") {
				t.Errorf("what it started is still there: %s", p)
			}
		}
	})
}

// outlives checks that functions with code survive what end does to their
// daemon, and that a running function leaves nothing.
func outlives(t *testing.T, d *daemon, end func() error) {
	t.Helper()
	fn := d.python(t)
	before, described := evaluate[string](t, fn, "ID"), fn.describe(t)
	if len(functionProcesses(fn.name)) == 0 {
		t.Fatal("a warm function has no process: what follows would show nothing")
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if left := functionProcesses(fn.name); len(left) > 0 {
		t.Errorf("the daemon has started and its predecessor's functions still run: %q", left)
	}
	if diff := cmp.Diff(described, fn.describe(t)); diff != "" {
		t.Errorf("its description changed (-before +after):\n%s", diff)
	}
	if after := evaluate[string](t, fn, "ID"); after == before {
		t.Error("an environment of the daemon that has ended answers")
	}
}

// describe is the function's configuration, as JSON.
func (f function) describe(t *testing.T) string {
	t.Helper()
	out, err := f.d.client().GetFunction(ctxFor(t), &lambda.GetFunctionInput{FunctionName: &f.name})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(out.Configuration, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestServe_FunctionsSurviveStop(t *testing.T) {
	t.Parallel()
	sandboxes(t, func(t *testing.T, d *daemon) {
		outlives(t, d, func() error {
			err := d.stop()
			if left := d.leftovers(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			return err
		})
	})
}

func TestServe_FunctionsSurviveKill(t *testing.T) {
	t.Parallel()
	sandboxes(t, func(t *testing.T, d *daemon) { outlives(t, d, d.kill) })
}

func TestServe_RootlessFunctionsSurviveKill(t *testing.T) {
	t.Parallel()
	rootless(t, func(t *testing.T, d *daemon) { outlives(t, d, d.kill) })
}

func TestServe_KilledAmidCalls(t *testing.T) {
	t.Parallel()
	sandboxes(t, func(t *testing.T, d *daemon) {
		fn := d.python(t)
		answers := make(chan error)
		const calls = 5
		for range calls {
			go func() { // the loop below waits for it
				_, err := fn.tryInvoke(t, event(t, "exec", "open('/tmp/busy', 'w').write('x' * 100000); time.sleep(15)"))
				answers <- err
			}()
		}
		eventually(t, "start the environments", func() bool { return len(functionProcesses(fn.name)) >= calls })
		killed := d.kill()
		for range calls {
			if err := <-answers; err == nil {
				t.Error("a call got an answer of a daemon that was killed")
			}
		}
		if err := errors.Join(killed, d.start()); err != nil {
			t.Fatal(err)
		}
		if left := functionProcesses(fn.name); len(left) > 0 {
			t.Errorf("its functions still run: %q", left)
		}
		expect(t, fn, "1", 1)
	})
}

func TestServe_FinishesCallsWhenStopped(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	fn := d.python(t)
	fn.invoke(t, `{}`)
	answer := make(chan result, 1)
	go func() { // received below
		res, err := fn.tryInvoke(t, event(t, "exec", "open('/tmp/busy', 'w').close(); time.sleep(2)"))
		if err != nil {
			t.Errorf("the call in progress: %v", err)
		}
		answer <- res
	}()
	fn.awaitFile(t, "/tmp/busy")
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if res := <-answer; res.FunctionError != "" || res.Payload == "" {
		t.Errorf("the call in progress got %s %q", res.FunctionError, res.Payload)
	}
}

func TestServe_SecondDaemonInItsDirectory(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	fn := d.python(t)
	fn.invoke(t, `{}`)
	second := newDaemon(d.dir, d.flags...)
	if err := second.start(); err == nil {
		t.Errorf("a second daemon started in the same data directory (%v)", errors.Join(second.stop()))
	}
	expect(t, fn, "1", 1) // the first is as it was
}

func TestServe_RefusesOtherAddresses(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "serve", "--data-dir", t.TempDir(), "--listen", "0.0.0.0:0")
	if p.code != 2 || !strings.Contains(p.stderr, "0.0.0.0:0 is not a loopback address") {
		t.Errorf("exit code %d: %s", p.code, p.stderr)
	}
}

func TestServe_EndsOnInterrupt(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	if err := d.runner.end(syscall.SIGINT); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestDeleteFunction_EndsItsEnvironments(t *testing.T) {
	t.Parallel()
	sandboxes(t, func(t *testing.T, d *daemon) {
		fn := d.python(t)
		ids(t, fn, 5, event(t, "exec", "time.sleep(0.5)"))
		if len(functionProcesses(fn.name)) == 0 {
			t.Fatal("a warm function has no process: what follows would show nothing")
		}
		if _, err := d.client().DeleteFunction(ctxFor(t), &lambda.DeleteFunctionInput{FunctionName: &fn.name}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "end the environments", func() bool { return len(functionProcesses(fn.name)) == 0 })
		eventually(t, "wait for their processes", func() bool { return d.zombies() == 0 })
	})
}
