package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// testdata reads a file of testdata.
func testdata(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// hostCheck is an entry of `hearth doctor --json`.
type hostCheck struct{ Name, Status, Detail, Fix string }

// doctor looks at the host once, for all tests.
var doctor = sync.OnceValues(func() ([]hostCheck, error) { return look(exec.Command(hearthBinary, "doctor", "--json")) })

func look(doctor *exec.Cmd) ([]hostCheck, error) {
	out, err := doctor.Output()
	if err != nil {
		return nil, err
	}
	var checks []hostCheck
	return checks, json.Unmarshal(out, &checks)
}

// runtimes lists the managed runtimes of a family ("python") that this host
// serves, or does not, the oldest first.
func runtimes(t *testing.T, family string, served bool) []string {
	t.Helper()
	checks, err := doctor()
	if err != nil {
		t.Fatalf("hearth doctor: %v", err)
	}
	return runtimesIn(checks, family, served)
}

func runtimesIn(checks []hostCheck, family string, served bool) []string {
	var names []string
	for _, check := range checks {
		if strings.HasPrefix(check.Name, family) && (check.Status != "missing") == served {
			names = append(names, check.Name)
		}
	}
	return names
}

// newest is the newest runtime of a family that this host serves.
func newest(t *testing.T, family string) string {
	t.Helper()
	return last(t, family, runtimes(t, family, true))
}

func last(t *testing.T, family string, names []string) string {
	t.Helper()
	if len(names) == 0 {
		t.Fatalf("this machine has no %s that hearth can use; scripts/install-test-deps installs one", family)
	}
	return names[len(names)-1]
}

// newest is the newest runtime of a family that the daemon's user can read.
func (d *daemon) newest(t *testing.T, family string) string {
	t.Helper()
	if d.user == uint32(os.Getuid()) {
		return newest(t, family)
	}
	checks, err := look(d.command("doctor", "--json"))
	if err != nil {
		t.Fatalf("hearth doctor of another user: %v", err)
	}
	return last(t, family, runtimesIn(checks, family, true))
}

// python creates a function that evaluates Python.
func (d *daemon) python(t *testing.T, options ...func(*lambda.CreateFunctionInput)) function {
	t.Helper()
	return d.create(t, d.newest(t, "python"), "probe.handler", files{"probe.py": testdata(t, "probe.py")}, options...)
}

// node creates a function that runs JavaScript.
func (d *daemon) node(t *testing.T, options ...func(*lambda.CreateFunctionInput)) function {
	t.Helper()
	return d.create(t, d.newest(t, "nodejs"), "probe.handler", files{"probe.mjs": testdata(t, "probe.mjs")}, options...)
}

// shell creates a function whose runtime is a shell script with curl.
func (d *daemon) shell(t *testing.T, options ...func(*lambda.CreateFunctionInput)) function {
	t.Helper()
	tool(t, "curl")
	return d.create(t, "provided.al2023", "function.handler", files{"bootstrap": testdata(t, "probe.sh")}, options...)
}

// event renders an event from keys and values.
func event(t *testing.T, kv ...string) string {
	t.Helper()
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// evaluate returns the value of a Python expression in a probe. Its modules
// are imported already: see testdata/probe.py.
func evaluate[T any](t *testing.T, f function, expression string) (value T) {
	t.Helper()
	f.call(t, event(t, "eval", expression), &value)
	return value
}

// expect compares the value of a Python expression in a probe.
func expect[T comparable](t *testing.T, f function, expression string, want T) {
	t.Helper()
	if got := evaluate[T](t, f, expression); got != want {
		t.Errorf("%s is %v, want %v", expression, got, want)
	}
}
