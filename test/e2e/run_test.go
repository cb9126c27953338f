package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// codeDir writes a function's files to a directory.
func codeDir(t *testing.T, code files) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range code {
		mode := os.FileMode(0o644)
		if filepath.Ext(name) == "" {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const greeter = `def handler(event, context):
    print("greeting", event["name"])
    return "hello, " + event["name"]
`

func TestRun_Python(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "run", codeDir(t, files{"app.py": greeter}), "--event", `{"name":"x"}`)
	p.expect(t, 0, "\"hello, x\"\n")
	for _, line := range []string{`^INIT_START Runtime Version: python:`, `\nSTART RequestId: `, `\ngreeting x\n`, `\nEND RequestId: `, `\nREPORT RequestId: .*Init Duration: `} {
		if !regexp.MustCompile(line).MatchString(p.stderr) {
			t.Errorf("no %q in the log on standard error:\n%s", line, p.stderr)
		}
	}
}

func TestRun_Node(t *testing.T) {
	t.Parallel()
	code := files{"index.mjs": "export const handler = async (event) => 'hello, ' + event.name;\n"}
	hearth(t, nil, "run", codeDir(t, code), "--event", `{"name":"x"}`).expect(t, 0, "\"hello, x\"\n")
}

func TestRun_Shell(t *testing.T) {
	t.Parallel()
	code := files{"bootstrap": testdata(t, "probe.sh")}
	hearth(t, nil, "run", codeDir(t, code), "--event", `1`).expect(t, 0, `{"n":1,"handler":"bootstrap","event":1}`+"\n")
}

func TestRun_Zip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "code.zip")
	if err := os.WriteFile(path, files{"app.py": greeter}.zip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	p := hearth(t, nil, "run", path, "--runtime", newest(t, "python"), "--handler", "app.handler", "--event", `{"name":"x"}`)
	p.expect(t, 0, "\"hello, x\"\n")
}

func TestRun_EventFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := codeDir(t, files{"app.py": greeter, "event.json": `{"name":"file"}`})
	hearth(t, strings.NewReader(`{"name":"stdin"}`), "run", dir, "--event", "-").expect(t, 0, "\"hello, stdin\"\n")
	hearth(t, nil, "run", dir, "--event", "@"+filepath.Join(dir, "event.json")).expect(t, 0, "\"hello, file\"\n")
}

func TestRun_FunctionFails(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "run", codeDir(t, files{"app.py": greeter}))
	if p.code != 3 || !strings.Contains(p.stdout, `"errorType": "KeyError"`) || !strings.Contains(p.stderr, "hearth: function failed: KeyError: 'name'") {
		t.Errorf("exit code %d, output %q, standard error:\n%s", p.code, p.stdout, p.stderr)
	}
}

func TestRun_BadEvent(t *testing.T) {
	t.Parallel()
	hearth(t, nil, "run", codeDir(t, files{"app.py": greeter}), "--event", `{"name":`).expect(t, 8, "")
}

func TestRun_NothingToRun(t *testing.T) {
	t.Parallel()
	hearth(t, nil, "run", t.TempDir()).expect(t, 2, "")
	hearth(t, nil, "run", filepath.Join(t.TempDir(), "nothing")).expect(t, 2, "")
}

func TestRun_LeavesNothing(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []string{"namespace", "process"} {
		dir, tmp := codeDir(t, files{"app.py": greeter}), t.TempDir()
		cmd := exec.CommandContext(ctxFor(t), hearthBinary, "run", dir, "--event", `{"name":"x"}`, "--sandbox", sandbox, "--env", markerVariable+"="+tmp)
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", sandbox, err, out)
		}
		left, err := os.ReadDir(tmp)
		if err != nil || len(left) > 0 {
			t.Errorf("%s: left in its temporary directory: %v %v", sandbox, left, err)
		}
		ofRun := processesWhere(func(pid int) bool {
			return variable(fmt.Sprintf("/proc/%d/environ", pid), markerVariable) == tmp
		})
		if left := append(mounts(tmp), ofRun...); len(left) > 0 {
			t.Errorf("%s: left behind: %q", sandbox, left)
		}
		// Python's cache of what it compiled is there where the code can be written.
		if code, err := filepath.Glob(filepath.Join(dir, "[^_]*")); err != nil || len(code) != 1 {
			t.Errorf("%s: the code directory has %v now (%v)", sandbox, code, err)
		}
	}
}

func TestRun_CleansUpAfterOneThatWasKilled(t *testing.T) {
	t.Parallel()
	for _, sandbox := range []string{"namespace", "process"} {
		dir, tmp := codeDir(t, files{"app.py": greeter}), t.TempDir()
		command := func(args ...string) *exec.Cmd {
			cmd := exec.Command(hearthBinary, append([]string{"run", dir, "--sandbox", sandbox, "--env", markerVariable + "=" + tmp}, args...)...)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			return cmd
		}
		killed, err := startProcess(command("--stay-open", "--listen", "127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		match, err := killed.await(listeningLine)
		if err != nil {
			t.Fatal(errors.Join(err, killed.end(os.Kill)))
		}
		curl(t, match[1], `{"name":"x"}`)
		groups := recordedGroups(t, tmp)
		if sandbox == "namespace" && len(groups) == 0 {
			t.Error("no cgroups were recorded: what follows would show less")
		}
		_ = killed.end(os.Kill) // says that it was killed
		if out, err := command("--event", `{"name":"x"}`).CombinedOutput(); err != nil {
			t.Fatalf("%s: the next run: %v\n%s", sandbox, err, out)
		}
		left := processesWhere(func(pid int) bool {
			return variable(fmt.Sprintf("/proc/%d/environ", pid), markerVariable) == tmp
		})
		for _, group := range groups {
			if _, err := os.Stat(group); err == nil {
				left = append(left, group)
			}
		}
		if entries, err := os.ReadDir(tmp); err != nil || len(entries) > 0 || len(left) > 0 {
			t.Errorf("%s: left behind: %v %q (%v)", sandbox, entries, left, err)
		}
	}
}

// recordedGroups are the cgroups of the run whose temporary directory is tmp.
func recordedGroups(t *testing.T, tmp string) []string {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(tmp, "*", "namespace", "cgroups"))
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, record := range records {
		content, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, strings.Fields(string(content))...)
	}
	return groups
}

var listeningLine = regexp.MustCompile(`listening on (\S+)`)

// endpointOf starts a command that serves a function and returns its URL.
func endpointOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	p, err := startProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("end it: %v\n%s", err, p.stderr.String())
		}
	})
	match, err := p.await(listeningLine)
	if err != nil {
		t.Fatal(err)
	}
	return match[1]
}

// curl posts an event as curl would: without signature or content type.
func curl(t *testing.T, endpoint, event string) string {
	t.Helper()
	resp, err := http.Post(endpoint, "application/x-www-form-urlencoded", strings.NewReader(event))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s (%v)", resp.Status, body, err)
	}
	return string(body)
}

// servesWarmAndParallel checks an endpoint of a probe.py.
func servesWarmAndParallel(t *testing.T, endpoint string) {
	t.Helper()
	if !strings.HasSuffix(endpoint, "/2015-03-31/functions/function/invocations") {
		t.Errorf("it listens on %s", endpoint)
	}
	if first, second := curl(t, endpoint, `{}`), curl(t, endpoint, `{}`); first != second {
		t.Errorf("two calls, one after the other, reached %s and %s", first, second)
	}
	answers := make(chan string)
	for range 2 {
		go func() { answers <- curl(t, endpoint, `{"exec":"time.sleep(1.5)"}`) }() // received below
	}
	if first, second := <-answers, <-answers; first == second || first == "" || second == "" {
		t.Errorf("two calls at once reached %s and %s, want two processes", first, second)
	}
}

func TestRun_StaysOpen(t *testing.T) {
	t.Parallel()
	dir := codeDir(t, files{"probe.py": testdata(t, "probe.py")})
	servesWarmAndParallel(t, endpointOf(t, exec.Command(hearthBinary, "run", dir, "--stay-open", "--listen", "127.0.0.1:0",
		"--runtime", newest(t, "python"), "--handler", "probe.handler", "--timeout", "20")))
}

// runtimeClient is the least that speaks the Runtime API in Python.
const runtimeClient = `
import json, os, sys, urllib.request
sys.path.insert(0, os.getcwd())
module, function = sys.argv[-1].split(".")
handler = getattr(__import__(module), function)
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(base + "next") as r:
        id, event = r.headers["Lambda-Runtime-Aws-Request-Id"], json.load(r)
    body = json.dumps(handler(event, None)).encode()
    urllib.request.urlopen(base + id + "/response", data=body).close()
`

func TestRIE_ServesAProgram(t *testing.T) {
	t.Parallel()
	dir := codeDir(t, files{"probe.py": testdata(t, "probe.py"), "client.py": runtimeClient})
	cmd := exec.Command(hearthBinary, "rie", "--listen", "127.0.0.1:0", "python3", "client.py", "probe.handler")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "COLOUR=green")
	endpoint := endpointOf(t, cmd)
	servesWarmAndParallel(t, endpoint)
	if got := curl(t, endpoint, `{"eval":"os.environ['COLOUR'] + os.environ['_HANDLER']"}`); got != `"greenprobe.handler"` {
		t.Errorf("the program sees %s", got)
	}
}

func TestRun_Layers(t *testing.T) {
	t.Parallel()
	code := codeDir(t, files{"app.py": "import shared\ndef handler(event, context):\n    return [shared.FROM, open('/opt/note.txt').read()]\n"})
	zip := filepath.Join(t.TempDir(), "two.zip")
	if err := os.WriteFile(zip, layerOf("two").zip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	one := t.TempDir()
	for name, content := range layerOf("one") {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(one, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(one, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hearth(t, nil, "run", code, "--layer", one, "--layer", zip).expect(t, 0, `["two", "two"]`+"\n")
	hearth(t, nil, "run", code, "--layer", zip, "--layer", one).expect(t, 0, `["one", "one"]`+"\n")
}

func TestRun_LayersOfADaemon(t *testing.T) {
	t.Parallel()
	code := codeDir(t, files{"app.py": greeter, "function.json": `{"Runtime":"python3.12","Handler":"app.handler","Layers":["arn:aws:lambda:us-east-1:1:layer:l:1"]}`})
	p := hearth(t, nil, "run", code)
	if p.code != 2 || !strings.Contains(p.stderr, "give each as --layer DIR|ZIP") {
		t.Errorf("exit code %d: %s", p.code, p.stderr)
	}
}

func TestRun_ExtensionInALayer(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "run", example("hello-shell"), "--layer", example("extension-shell"), "--event", `{"name":"you"}`)
	p.expect(t, 0, `{"message":"Hello, you, from a shell script"}`+"\n")
	if !strings.Contains(p.stderr, "heartbeat: invocation 1\n") {
		t.Errorf("the extension is not in the log:\n%s", p.stderr)
	}
}
