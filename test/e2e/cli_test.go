package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// finished is a command that has ended.
type finished struct {
	stdout, stderr string
	code           int
}

// hearth runs a command line to its end, with stdin if that is not nil.
func hearth(t *testing.T, stdin io.Reader, args ...string) finished {
	t.Helper()
	if len(args) > 1 && args[0] == "run" { // as for daemons: see TestMain
		args = append(slices.Clone(args), "--network", "none")
	}
	cmd := exec.CommandContext(ctxFor(t), hearthBinary, args...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("hearth %q: %v", args, err)
	}
	if strings.ContainsRune(stdout.String()+stderr.String(), '\x1b') {
		t.Errorf("hearth %q writes terminal codes into a pipe: %q %q", args, stdout.String(), stderr.String())
	}
	return finished{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// expect compares the exit code and standard output.
func (f finished) expect(t *testing.T, code int, stdout string) {
	t.Helper()
	if f.code != code || f.stdout != stdout {
		t.Errorf("exit code %d, output %q; want %d, %q; standard error:\n%s", f.code, f.stdout, code, stdout, f.stderr)
	}
}

func TestDeploy_UpdatesWhatIsThere(t *testing.T) {
	t.Parallel()
	d, name := shared(t), testName(t)
	deploy := func(code string) finished {
		return hearth(t, nil, "deploy", codeDir(t, files{"app.py": code}), "--name", name, "--runtime", newest(t, "python"),
			"--handler", "app.handler", "--endpoint", d.endpoint)
	}
	if p := deploy(greeter); p.code != 0 || !strings.HasPrefix(p.stdout, "created "+name) {
		t.Fatalf("exit code %d: %s%s", p.code, p.stdout, p.stderr)
	}
	hearth(t, nil, "invoke", name, "--payload", `{"name":"x"}`, "--endpoint", d.endpoint).expect(t, 0, "\"hello, x\"\n")
	if p := deploy(strings.Replace(greeter, "hello", "bye", 1)); p.code != 0 || !strings.HasPrefix(p.stdout, "updated "+name) {
		t.Fatalf("exit code %d: %s%s", p.code, p.stdout, p.stderr)
	}
	hearth(t, nil, "invoke", name, "--payload", `{"name":"x"}`, "--endpoint", d.endpoint).expect(t, 0, "\"bye, x\"\n")
	hearth(t, nil, "functions", "delete", name, "--endpoint", d.endpoint).expect(t, 0, "")
	if p := hearth(t, nil, "invoke", name, "--endpoint", d.endpoint); p.code != 4 {
		t.Errorf("invoking a deleted function: exit code %d: %s", p.code, p.stderr)
	}
}

func TestInvokeCommand_FunctionFails(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	p := hearth(t, nil, "invoke", fn.name, "--payload", `{"eval":"1/0"}`, "--tail", "--endpoint", fn.d.endpoint)
	if p.code != 3 || !strings.Contains(p.stdout, "ZeroDivisionError") || !strings.Contains(p.stderr, "REPORT RequestId: ") {
		t.Errorf("exit code %d, output %q, standard error:\n%s", p.code, p.stdout, p.stderr)
	}
}

func TestInvokeCommand_NoDaemon(t *testing.T) {
	t.Parallel()
	hearth(t, nil, "invoke", "f", "--endpoint", "http://127.0.0.1:1").expect(t, 6, "")
}

func TestFunctions_JSON(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	p := hearth(t, nil, "functions", "--json", "--endpoint", fn.d.endpoint)
	var listed []struct{ FunctionName, Runtime string }
	if err := json.Unmarshal([]byte(p.stdout), &listed); err != nil || p.code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", p.code, err, p.stdout, p.stderr)
	}
	for _, f := range listed {
		if f.FunctionName == fn.name && f.Runtime == newest(t, "python") {
			return
		}
	}
	t.Errorf("%s is not in %v", fn.name, listed)
}

func TestLogs_Follow(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	fn.invoke(t, event(t, "exec", "print('before')"))
	cmd := exec.Command(hearthBinary, "logs", fn.name, "--follow", "--endpoint", fn.d.endpoint)
	p, err := startProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(os.Interrupt); err != nil {
			t.Errorf("following ended with %v: %s", err, p.stderr.String())
		}
	})
	eventually(t, "print the log so far", func() bool { return strings.Contains(p.stdout.String(), " before\n") })
	fn.invoke(t, event(t, "exec", "print('after')"))
	eventually(t, "print what is new", func() bool { return strings.Contains(p.stdout.String(), " after\n") })
	lines := bufio.NewScanner(strings.NewReader(p.stdout.String()))
	for lines.Scan() {
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `).MatchString(lines.Text()) {
			t.Errorf("a line without a time: %q", lines.Text())
		}
	}
}

func TestDoctor_JSON(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "doctor", "--json")
	var checks []hostCheck
	if err := json.Unmarshal([]byte(p.stdout), &checks); err != nil || p.code != 0 || len(checks) < 10 {
		t.Errorf("exit code %d, %d checks, %v: %s%s", p.code, len(checks), err, p.stdout, p.stderr)
	}
	for _, check := range checks {
		if check.Name == "" || check.Detail == "" || (check.Status != "ok") != (check.Fix != "") {
			t.Errorf("%+v: want a name, a detail, and a fix unless it is ok", check)
		}
	}
}

func TestCompletion_Bash(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "completion", "bash")
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(p.stdout)
	if out, err := check.CombinedOutput(); err != nil || !strings.Contains(p.stdout, "__start_hearth") {
		t.Errorf("exit code %d, bash says %v: %s", p.code, err, out)
	}
	fn := shared(t).python(t)
	if p := hearth(t, nil, "__complete", "invoke", "--endpoint", fn.d.endpoint, ""); !strings.Contains(p.stdout, fn.name+"\n") {
		t.Errorf("functions are not completed: %s", p.stdout)
	}
}
