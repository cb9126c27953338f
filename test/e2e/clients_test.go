package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// awsEnv is what stock AWS clients need of their environment. Nothing of the
// user's configuration takes part.
func (d *daemon) awsEnv() []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+d.endpoint, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "NODE_PATH="+filepath.Join(repository, ".tools", "node_modules"))
}

// awsCLI runs `aws lambda`, which must succeed, and decodes its output.
type awsCLI struct {
	t    *testing.T
	d    *daemon
	path string
	dir  string
}

func newAWSCLI(t *testing.T, d *daemon) *awsCLI {
	t.Helper()
	return &awsCLI{t, d, tool(t, "aws"), t.TempDir()}
}

func (a *awsCLI) try(args ...string) (string, error) {
	cmd := exec.CommandContext(ctxFor(a.t), a.path, append([]string{"--endpoint-url", a.d.endpoint, "lambda"}, args...)...)
	cmd.Dir, cmd.Env = a.dir, a.d.awsEnv()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a *awsCLI) run(args ...string) map[string]any {
	a.t.Helper()
	out, err := a.try(args...)
	if err != nil {
		a.t.Fatalf("aws lambda %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if strings.TrimSpace(out) == "" {
		return nil
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(out), &value); err != nil {
		a.t.Fatalf("aws lambda %s printed %s: %v", strings.Join(args, " "), out, err)
	}
	return value
}

// file writes a file for a command line to name.
func (a *awsCLI) file(name string, content []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), content, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// invoke returns the payload and the log of an invocation.
func (a *awsCLI) invoke(name, payload string) (body, log string) {
	a.t.Helper()
	a.file("event.json", []byte(payload))
	out := a.run("invoke", "--function-name", name, "--log-type", "Tail", "--payload", "fileb://event.json", "out.json")
	if out["StatusCode"] != 200.0 || out["ExecutedVersion"] != "$LATEST" || out["FunctionError"] != nil {
		a.t.Errorf("aws lambda invoke printed %v", out)
	}
	decoded, err := base64.StdEncoding.DecodeString(fmt.Sprint(out["LogResult"]))
	if err != nil {
		a.t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(a.dir, "out.json"))
	if err != nil {
		a.t.Fatal(err)
	}
	return string(content), string(decoded)
}

// awsLifeCycle creates a function, invokes it, updates its code, invokes it
// and deletes it: first and second are its code, each with its answer.
func awsLifeCycle(t *testing.T, runtime, handler string, first, second files, answers [2]string) {
	t.Helper()
	aws, name := newAWSCLI(t, shared(t)), testName(t)
	aws.file("first.zip", first.zip(t))
	aws.file("second.zip", second.zip(t))
	created := aws.run("create-function", "--function-name", name, "--runtime", runtime, "--handler", handler,
		"--role", testRole, "--zip-file", "fileb://first.zip", "--timeout", "10")
	if created["State"] != "Pending" || created["FunctionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:"+name {
		t.Errorf("create-function printed %v", created)
	}
	aws.run("wait", "function-active-v2", "--function-name", name)
	if body, _ := aws.invoke(name, `{"name":"x"}`); body != answers[0] {
		t.Errorf("the first code answered %s, want %s", body, answers[0])
	}
	updated := aws.run("update-function-code", "--function-name", name, "--zip-file", "fileb://second.zip")
	if updated["LastUpdateStatus"] != "InProgress" || updated["CodeSha256"] == created["CodeSha256"] {
		t.Errorf("update-function-code printed %v", updated)
	}
	aws.run("wait", "function-updated-v2", "--function-name", name)
	body, log := aws.invoke(name, `{"name":"x"}`)
	if body != answers[1] {
		t.Errorf("the second code answered %s, want %s", body, answers[1])
	}
	if !coldLog.MatchString(log) {
		t.Errorf("the log is %q, want it like %s", log, coldLog)
	}
	aws.run("delete-function", "--function-name", name)
	eventually(t, "end the environments of a deleted function", func() bool { return len(functionProcesses(name)) == 0 })
	if out, err := aws.try("get-function", "--function-name", name); err == nil || !strings.Contains(out, "(ResourceNotFoundException)") {
		t.Errorf("get-function of a deleted function: %v\n%s", err, out)
	}
}

const (
	uuid        = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	reportStart = `REPORT RequestId: ` + uuid + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t`
)

// The log of an invocation, in AWS's form to the byte.
var (
	// INIT_START is in the log group, but not in the tail.
	coldLog = regexp.MustCompile(`^(?:[^I].*\n)*START RequestId: ` + uuid + ` Version: \$LATEST\n(?s:.*)END RequestId: ` + uuid + `\n` +
		reportStart + `Init Duration: \d+\.\d\d ms\t\n$`)
	warmLog = regexp.MustCompile(`^START RequestId: ` + uuid + ` Version: \$LATEST\n` +
		`hello\nEND RequestId: ` + uuid + `\n` + reportStart + `\n$`)
)

func TestAWSCLI_PythonFunction(t *testing.T) {
	t.Parallel()
	code := func(word string) files {
		return files{"app.py": "def handler(event, context):\n    print('hello')\n    return '" + word + ", ' + event['name']\n"}
	}
	awsLifeCycle(t, newest(t, "python"), "app.handler", code("hello"), code("bye"), [2]string{`"hello, x"`, `"bye, x"`})
}

func TestAWSCLI_NodeFunction(t *testing.T) {
	t.Parallel()
	code := func(word string) files {
		return files{"index.mjs": "export const handler = async (event) => { console.log('hello'); return '" + word + ", ' + event.name; };\n"}
	}
	awsLifeCycle(t, newest(t, "nodejs"), "index.handler", code("hello"), code("bye"), [2]string{`"hello, x"`, `"bye, x"`})
}

func TestAWSCLI_ShellFunction(t *testing.T) {
	t.Parallel()
	tool(t, "curl")
	code := func(handler string) files {
		return files{"bootstrap": strings.ReplaceAll(testdata(t, "probe.sh"), `$_HANDLER`, handler)}
	}
	awsLifeCycle(t, "provided.al2023", "function.handler", code("a"), code("b"),
		[2]string{`{"n":1,"handler":"a","event":{"name":"x"}}`, `{"n":1,"handler":"b","event":{"name":"x"}}`})
}

func TestAWSCLI_Settings(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn, aws := d.python(t), newAWSCLI(t, d)
	aws.run("update-function-configuration", "--function-name", fn.name, "--timeout", "7", "--memory-size", "256",
		"--description", "changed", "--environment", "Variables={COLOUR=green,"+markerVariable+"="+d.dir+"}")
	aws.run("wait", "function-updated", "--function-name", fn.name)
	got := aws.run("get-function-configuration", "--function-name", fn.name)
	if got["Timeout"] != 7.0 || got["MemorySize"] != 256.0 || got["Description"] != "changed" || got["LastUpdateStatus"] != "Successful" {
		t.Errorf("get-function-configuration printed %v", got)
	}
	expect(t, fn, "os.environ['COLOUR'] + os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']", "green256")
	location := aws.run("get-function", "--function-name", fn.name)["Code"].(map[string]any)["Location"]
	out, err := exec.Command(tool(t, "curl"), "-sSf", "-o", filepath.Join(aws.dir, "code.zip"), fmt.Sprint(location)).CombinedOutput()
	if err != nil {
		t.Fatalf("get the code from %v: %v\n%s", location, err, out)
	}
	if code, err := os.ReadFile(filepath.Join(aws.dir, "code.zip")); err != nil || string(code) != string(files{"probe.py": testdata(t, "probe.py")}.zip(t)) {
		t.Errorf("the code at %v is not what was uploaded (%d bytes, %v)", location, len(code), err)
	}
	names, err := aws.try("list-functions", "--query", "Functions[].FunctionName", "--output", "text", "--page-size", "1")
	if err != nil || !strings.Contains(names, fn.name) {
		t.Errorf("list-functions, in pages of one: %v\n%s", err, names)
	}
}

func TestAWSCLI_Log(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn, aws := d.python(t), newAWSCLI(t, d)
	hello := event(t, "exec", "print('hello')")
	fn.invoke(t, hello)
	if _, log := aws.invoke(fn.name, hello); !warmLog.MatchString(log) {
		t.Errorf("the log is %q, want it like %s", log, warmLog)
	}
}

// stockClient runs a program that does everything with a stock client: see
// testdata/client.py.
func stockClient(t *testing.T, program, source string) {
	t.Helper()
	fn := shared(t).python(t)
	archive := filepath.Join(t.TempDir(), "code.zip")
	code := files{"app.py": "def handler(event, context):\n    return 84 // event['by']\n"}
	if err := os.WriteFile(archive, code.zip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctxFor(t), program, filepath.Join("testdata", source), fn.name, testRole, newest(t, "python"), archive)
	cmd.Env = fn.d.awsEnv()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\nscripts/install-test-deps installs the client that it needs", source, err, stderr.String())
	}
	want := "created Pending\ninvoked 200 $LATEST 42\nfailed Unhandled ZeroDivisionError\n" +
		"updated 30\ndry run 204\ndeleted\nResourceNotFoundException 404\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("%s printed (-want +got):\n%s", source, diff)
	}
}

func TestBoto3_EveryOperation(t *testing.T) {
	t.Parallel()
	stockClient(t, "python3", "client.py")
}

func TestJavaScriptSDK_EveryOperation(t *testing.T) {
	t.Parallel()
	stockClient(t, "node", "client.cjs")
}

// A client of another service gets an error that it can read, in that service's own
// protocol, and that says what to set.
func TestAWSCLI_OtherServicesAreToldWhatToSet(t *testing.T) {
	d := shared(t)
	aws := tool(t, "aws")
	for _, args := range [][]string{
		{"sqs", "list-queues", "--endpoint-url", d.endpoint}, // this CLI takes no variable for queues
		{"sns", "list-topics"}, {"s3api", "list-buckets"}, {"dynamodb", "list-tables"}, {"sts", "get-caller-identity"},
		{"ec2", "describe-regions"}, {"apigateway", "get-rest-apis"}, {"logs", "describe-log-groups"}, {"cloudformation", "list-stacks"}, {"iam", "list-roles"},
	} {
		cmd := exec.CommandContext(ctxFor(t), aws, args...)
		cmd.Env = d.awsEnv()
		out, err := cmd.CombinedOutput()
		text := string(out)
		if err == nil || !strings.Contains(text, "NotImplementedException") || !strings.Contains(text, "AWS_ENDPOINT_URL_LAMBDA") {
			t.Errorf("aws %s: %v\n%s", strings.Join(args, " "), err, text)
		}
	}
}
