package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// example is the directory of an example.
func example(name string) string { return filepath.Join(repository, "examples", name) }

// hearth runs a command line against this daemon, which must do it.
func (d *daemon) hearth(t *testing.T, args ...string) string {
	t.Helper()
	p := hearth(t, nil, append(args, "--endpoint", d.endpoint)...)
	if p.code != 0 {
		t.Fatalf("hearth %q: exit code %d: %s%s", args, p.code, p.stdout, p.stderr)
	}
	return p.stdout
}

func TestExamples_ExtensionInALayer(t *testing.T) {
	t.Parallel()
	d, name := shared(t), testName(t)
	layer := strings.TrimSpace(d.hearth(t, "layers", "publish", name, example("extension-shell")))
	d.hearth(t, "deploy", example("hello-shell"), "--name", name, "--layer", layer)
	if got, want := d.hearth(t, "invoke", name, "--payload", `{"name":"you"}`), `{"message":"Hello, you, from a shell script"}`+"\n"; got != want {
		t.Errorf("response %q, want %q", got, want)
	}
	log := regexp.MustCompile(`(?s) heartbeat: with ` + name + `\n.* EXTENSION\tName: heartbeat\tState: Ready\tEvents: .* heartbeat: invocation 1\n`)
	eventually(t, "log what the extension says", func() bool { return log.MatchString(d.hearth(t, "logs", name)) })
	d.hearth(t, "functions", "delete", name)
	d.hearth(t, "layers", "delete", name, "1")
	if got := d.hearth(t, "layers", "versions", name, "--json"); got != "[]\n" {
		t.Errorf("versions of a layer whose only one was deleted: %s", got)
	}
}

func TestExamples_AsyncWithDestinationOnATestClock(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--clock", "test")
	runtime := d.newest(t, "python")
	d.hearth(t, "deploy", example("async-order"), "--runtime", runtime)
	d.hearth(t, "deploy", example("async-order"), "--runtime", runtime, "--name", "async-order-failed", "--handler", "app.failed")
	order, destination := "async-order", "arn:aws:lambda:us-east-1:000000000000:function:async-order-failed"
	_, err := d.client().PutFunctionEventInvokeConfig(ctxFor(t), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &order, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &destination}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.hearth(t, "invoke", order, "--async", "--payload", `{"id":7,"outOfStock":true}`)
	if got := strings.Count(d.hearth(t, "clock", "advance", "4m"), " of async-order again\n"); got != 2 {
		t.Errorf("%d retries in four minutes, want 2", got)
	}
	if log := d.hearth(t, "logs", "async-order-failed"); !strings.Contains(log, " gave up order 7 after 3 attempts: order 7 is out of stock\n") {
		t.Errorf("log of the destination:\n%s", log)
	}
	if got := d.hearth(t, "events"); !regexp.MustCompile(`\nexhausted +1 `).MatchString(got) {
		t.Errorf("events:\n%s", got)
	}
}

func TestExamples_Java(t *testing.T) {
	t.Parallel()
	served := runtimes(t, "java", true)
	javac, err := exec.LookPath("javac")
	if len(served) == 0 || err != nil {
		t.Skip("needs a JDK and AWS's runtime interface client: apt-get install openjdk-17-jdk-headless, hearth runtimes install java")
	}
	dir := t.TempDir()
	build := exec.CommandContext(ctxFor(t), javac, "--release", "11", "-d", dir, filepath.Join(example("hello-java"), "Hello.java"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	description, err := os.ReadFile(filepath.Join(example("hello-java"), "function.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "function.json"), description, 0o600); err != nil {
		t.Fatal(err)
	}
	d, name := shared(t), testName(t)
	d.hearth(t, "deploy", dir, "--name", name, "--runtime", served[0])
	first, second := d.hearth(t, "invoke", name, "--payload", `{"name":"you"}`), d.hearth(t, "invoke", name, "--payload", `{"name":"you"}`)
	if !strings.Contains(first, `"Hello, you, from Java `) || first != second {
		t.Errorf("responses %s and %s: want a greeting, and twice the same environment", first, second)
	}
}

func TestInvokeCommand_Stream(t *testing.T) {
	t.Parallel()
	d, name := shared(t), testName(t)
	code := files{"app.py": "def handler(event, context):\n    for n in range(3):\n        yield f'{n},'\n"}
	d.hearth(t, "deploy", codeDir(t, code), "--name", name, "--runtime", newest(t, "python"), "--handler", "app.handler")
	p := hearth(t, nil, "invoke", name, "--stream", "--tail", "--endpoint", d.endpoint)
	p.expect(t, 0, "0,1,2,")
	if !strings.Contains(p.stderr, "REPORT RequestId: ") {
		t.Errorf("--tail printed %q", p.stderr)
	}
}

func TestStatusCommand_CountsWhatThereIs(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--sandbox", "process")
	if got := d.hearth(t, "status"); !strings.Contains(got, "\nfunctions     none yet; ") {
		t.Errorf("status of a new daemon:\n%s", got)
	}
	fn := d.python(t)
	fn.invoke(t, event(t, "eval", "1"))
	eventually(t, "have an idle environment", func() bool {
		return strings.Contains(d.hearth(t, "status"), "\nenvironments  1, 1 of them idle ")
	})
	if got := d.hearth(t, "status"); !strings.Contains(got, "\nfunctions     1 in us-east-1 of account 000000000000\n") || !strings.Contains(got, "\nsandbox       process\n") {
		t.Errorf("status:\n%s", got)
	}
}
