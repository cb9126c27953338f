package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/test/compile"
)

// contextFields are the documented fields of Python's context object.
const contextFields = `[
	context.function_name, context.function_version, context.invoked_function_arn, context.memory_limit_in_mb,
	context.log_group_name, context.log_stream_name == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
	len(context.aws_request_id), 15000 < context.get_remaining_time_in_millis() <= 20000, context.identity is not None,
	context.client_context,
]`

func TestPython_EveryVersionOfTheHost(t *testing.T) {
	t.Parallel()
	for _, runtime := range runtimes(t, "python", true) {
		t.Run(runtime, func(t *testing.T) {
			fn := shared(t).create(t, runtime, "pkg/probe.handler", files{"pkg/probe.py": testdata(t, "probe.py")})
			expect(t, fn, "'python%d.%d' % sys.version_info[:2]", runtime)
			var got []any
			fn.call(t, event(t, "eval", contextFields), &got)
			want := []any{fn.name, "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:" + fn.name, "128",
				"/aws/lambda/" + fn.name, true, 36.0, true, true, nil}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNode_EveryVersionOfTheHost(t *testing.T) {
	t.Parallel()
	for _, runtime := range runtimes(t, "nodejs", true) {
		t.Run(runtime, func(t *testing.T) {
			fn := shared(t).create(t, runtime, "pkg/probe.handler", files{"pkg/probe.mjs": testdata(t, "probe.mjs")})
			var got []any
			fn.call(t, event(t, "body", `return [
				"nodejs" + process.versions.node.split(".")[0] + ".x", context.functionName, context.functionVersion,
				context.invokedFunctionArn, context.memoryLimitInMB, context.logGroupName,
				context.logStreamName === process.env.AWS_LAMBDA_LOG_STREAM_NAME, context.awsRequestId.length,
				15000 < context.getRemainingTimeInMillis() && context.getRemainingTimeInMillis() <= 20000]`), &got)
			want := []any{runtime, fn.name, "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:" + fn.name, "128",
				"/aws/lambda/" + fn.name, true, 36.0, true}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("versions and context (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNode_HandlerForms(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"async":    `exports.handler = async (event) => event.n + 1;`,
		"promise":  `exports.handler = (event) => new Promise((resolve) => setTimeout(() => resolve(event.n + 1), 5));`,
		"callback": `exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event.n + 1), 5); };`,
		"export":   `module.exports.handler = async function (event) { return event.n + 1; };`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn := shared(t).create(t, nodeWithCallbacks(t), "index.handler", files{"index.js": code})
			if res := fn.invoke(t, `{"n":1}`); res.Payload != "2" || res.FunctionError != "" {
				t.Errorf("got %s %s, want 2", res.FunctionError, res.Payload)
			}
		})
	}
}

// nodeWithCallbacks is the newest Node here that takes callback handlers.
// Those of AWS do up to nodejs22.x.
func nodeWithCallbacks(t *testing.T) string {
	t.Helper()
	name := ""
	for _, runtime := range runtimes(t, "nodejs", true) {
		if runtime <= "nodejs22.x" {
			name = runtime
		}
	}
	if name == "" {
		t.Fatal("this machine has no Node.js 18 to 22; scripts/install-test-deps installs one")
	}
	return name
}

// failures of functions, with the payloads of AWS. The pattern @ stands for
// the id of the request.
func TestFunction_FailsWithAWSPayload(t *testing.T) {
	t.Parallel()
	python, node := newest(t, "python"), newest(t, "nodejs")
	for _, test := range []struct {
		name, runtime, handler string
		code                   files
		want                   string
	}{
		{"python-raise", python, "app.handler", files{"app.py": "def handler(e, c):\n    raise KeyError('k')\n"},
			`\{"errorMessage": "'k'", "errorType": "KeyError", "requestId": "@", "stackTrace": \["  File \\"/var/task/app\.py\\", line 2, in handler\\n    raise KeyError\('k'\)\\n"\]\}`},
		{"python-missing-module", python, "nothing.handler", files{"app.py": ""},
			`\{"errorMessage": "Unable to import module 'nothing': No module named 'nothing'", "errorType": "Runtime\.ImportModuleError", "requestId": "", "stackTrace": \[\]\}`},
		{"python-missing-handler", python, "app.nothing", files{"app.py": ""},
			`\{"errorMessage": "Handler 'nothing' missing on module 'app'", "errorType": "Runtime\.HandlerNotFound", "requestId": "", "stackTrace": \[\]\}`},
		{"python-syntax", python, "app.handler", files{"app.py": "def handler(e, c)\n    return 1\n"},
			`\{"errorMessage": "Syntax error in module 'app': .*\(app\.py, line 1\)", "errorType": "Runtime\.UserCodeSyntaxError", "requestId": "", "stackTrace": \["  File \\"/var/task/app\.py\\" Line 1\\n    def handler\(e, c\)\\n"\]\}`},
		{"python-malformed-handler", python, "nodot", files{"app.py": ""},
			`\{"errorMessage": "Bad handler 'nodot': not enough values to unpack \(expected 2, got 1\)", "errorType": "Runtime\.MalformedHandlerName", "requestId": "", "stackTrace": \[\]\}`},
		{"python-unserializable", python, "app.handler", files{"app.py": "def handler(e, c):\n    return {1, 2}\n"},
			`\{"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime\.MarshalError", "requestId": "@", "stackTrace": \[\]\}`},
		{"python-exit", python, "app.handler", files{"app.py": "import os\ndef handler(e, c):\n    os._exit(3)\n"},
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: @ Error: Runtime exited with error: exit status 3"\}`},
		{"python-exit-0", python, "app.handler", files{"app.py": "import os\ndef handler(e, c):\n    os._exit(0)\n"},
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: @ Error: Runtime exited without providing a reason"\}`},
		{"node-throw", node, "index.handler", files{"index.mjs": "export const handler = async () => { throw new RangeError('r'); };\n"},
			`\{"errorType":"RangeError","errorMessage":"r","trace":\["RangeError: r","    at .*index\.mjs:1:.*"(,".*")*\]\}`},
		{"node-missing-handler", node, "index.nothing", files{"index.mjs": "export const handler = 1;\n"},
			`\{"errorType":"Runtime\.HandlerNotFound","errorMessage":"index\.nothing is undefined or not exported","trace":\[.*\]\}`},
		{"node-missing-module", node, "nothing.handler", files{"index.mjs": ""},
			`\{"errorType":"Runtime\.ImportModuleError","errorMessage":"Error: Cannot find module 'nothing'\\nRequire stack:.*","trace":\[.*\]\}`},
		{"node-syntax", node, "index.handler", files{"index.js": "exports.handler = async () => {\n"},
			`\{"errorType":"Runtime\.UserCodeSyntaxError","errorMessage":"SyntaxError: Unexpected end of input","trace":\[.*\]\}`},
		{"missing-bootstrap", "provided.al2023", "x", files{"other": "#!/bin/sh\n"},
			`\{"errorType":"Runtime\.InvalidEntrypoint","errorMessage":"RequestId: @ Error: .*"\}`},
		{"bootstrap-exits", "provided.al2023", "x", files{"bootstrap": "#!/bin/sh\nexit 7\n"},
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: @ Error: Runtime exited with error: exit status 7"\}`},
		{"bootstrap-without-interpreter", "provided.al2023", "x", files{"bootstrap": "#!/no/such/interpreter\n"},
			`\{"errorType":"Runtime\.InvalidEntrypoint","errorMessage":"RequestId: @ Error: .*"\}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fn := shared(t).create(t, test.runtime, test.handler, test.code)
			for _, attempt := range []string{"first", "second"} {
				res := fn.invoke(t, `{}`)
				want := `^` + strings.ReplaceAll(test.want, "@", res.RequestID) + `$`
				if res.FunctionError != "Unhandled" || !regexp.MustCompile(want).MatchString(res.Payload) {
					t.Errorf("the %s call: %s %s, want Unhandled and a payload like %s", attempt, res.FunctionError, res.Payload, want)
				}
			}
		})
	}
}

func TestFunction_TimesOut(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t, timeout(1))
	first := evaluate[string](t, fn, "ID")
	res := fn.invoke(t, event(t, "exec", "open('/tmp/kept', 'w').close(); time.sleep(60)"))
	want := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + res.RequestID + ` Error: Task timed out after 1.00 seconds"}`
	if res.FunctionError != "Unhandled" || res.Payload != want {
		t.Errorf("got %s %s, want Unhandled %s", res.FunctionError, res.Payload, want)
	}
	if !regexp.MustCompile(`REPORT RequestId: ` + res.RequestID + `\tDuration: 1000\.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tStatus: timeout\n$`).MatchString(res.Log) {
		t.Errorf("log of the invocation that timed out: %q", res.Log)
	}
	if second := evaluate[string](t, fn, "ID"); second == first {
		t.Error("the process that timed out answers")
	}
	expect(t, fn, "os.path.exists('/tmp/kept')", true) // the same environment, reset
}

func TestRuntime_MissingOnTheHost(t *testing.T) {
	t.Parallel()
	d := shared(t)
	missing := append(runtimes(t, "python", false), runtimes(t, "nodejs", false)...)
	if len(missing) == 0 {
		t.Skip("this host has every interpreter")
	}
	for _, runtime := range missing {
		t.Run(runtime, func(t *testing.T) {
			_, err := d.create(t, runtime, "x.y", files{"x.py": ""}).tryInvoke(t, "{}")
			answer := apiError(t, err)
			install := regexp.MustCompile(`(?i)install.*(python|node).*` + regexp.MustCompile(`[\d.]*\d`).FindString(runtime))
			if answer.ErrorCode() != "InvalidRuntimeException" || !install.MatchString(answer.ErrorMessage()) {
				t.Errorf("%v, want an InvalidRuntimeException that says what to install", answer)
			}
		})
	}
}

func TestRuntime_Substituted(t *testing.T) {
	t.Parallel()
	have := newest(t, "nodejs")
	want := "nodejs24.x"
	if have == want {
		want = "nodejs22.x"
	}
	d := startDaemon(t, "--runtime-map", want+"="+have)
	fn := d.create(t, want, "probe.handler", files{"probe.mjs": testdata(t, "probe.mjs")})
	res := fn.invoke(t, event(t, "body", "return 'nodejs' + process.versions.node.split('.')[0] + '.x'"))
	if res.Payload != `"`+have+`"` {
		t.Errorf("%s ran on %s, want %s", want, res.Payload, have)
	}
	for what, log := range map[string]string{"function": res.Log, "daemon": d.log()} {
		if !regexp.MustCompile(regexp.QuoteMeta(want) + `.*` + regexp.QuoteMeta(have)).MatchString(log) {
			t.Errorf("the log of the %s does not say that %s stands in for %s: %s", what, have, want, log)
		}
	}
}

func TestRuntime_ExecWrapper(t *testing.T) {
	t.Parallel()
	code := files{"probe.py": testdata(t, "probe.py"), "wrapper": "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n"}
	fn := shared(t).create(t, newest(t, "python"), "probe.handler", code, environment("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrapper"))
	expect(t, fn, "os.environ['WRAPPED']", "yes")
}

func TestRuntime_MissingExecWrapper(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t, environment("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/nothing"))
	res := fn.invoke(t, `{}`)
	want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + res.RequestID + ` Error: Runtime exited with error: exit status 127"}`
	if res.Payload != want {
		t.Errorf("got %s, want %s", res.Payload, want)
	}
}

func TestPython_ImportsTheHostsBoto3(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("python3", "-c", "import boto3, sys; print('python%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		t.Fatalf("python3 has no boto3 (%v); scripts/install-test-deps installs it", err)
	}
	fn := shared(t).create(t, strings.TrimSpace(string(out)), "probe.handler", files{"probe.py": testdata(t, "probe.py")})
	var region string
	fn.call(t, event(t, "exec", "import boto3", "eval", "boto3.client('lambda').meta.region_name"), &region)
	if region != "us-east-1" {
		t.Errorf("the region of a client in the function is %q", region)
	}
}

func TestNode_ImportsTheHostsSDK(t *testing.T) {
	t.Parallel()
	modules := filepath.Join(repository, ".tools", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "@aws-sdk", "client-lambda")); err != nil {
		t.Fatalf("%v; scripts/install-test-deps installs it", err)
	}
	d := newDaemon(t.TempDir())
	d.env = []string{"NODE_PATH=" + modules}
	d.startFor(t)
	fn := d.create(t, newest(t, "nodejs"), "index.handler", files{"index.js": `
		const { LambdaClient } = require("@aws-sdk/client-lambda");
		exports.handler = async () => new LambdaClient().config.region();`})
	if res := fn.invoke(t, `{}`); res.Payload != `"us-east-1"` {
		t.Errorf("got %s %s\n%s", res.FunctionError, res.Payload, res.Log)
	}
}

func TestShell_StaysWarm(t *testing.T) {
	t.Parallel()
	fn := shared(t).shell(t)
	fn.invoke(t, `{"a":"b"}`)
	if got, want := fn.invoke(t, `{"a":"b"}`).Payload, `{"n":2,"handler":"function.handler","event":{"a":"b"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGo_FunctionOfAWSLibrary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := compile.Program(t.Context(), "examples/hello-go", filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	fn := shared(t).create(t, string(types.RuntimeProvidedal2023), "bootstrap", files{"bootstrap": string(program)}, environment("GREETING", "Hello"))
	if res := fn.invoke(t, `{"name":"x"}`); res.FunctionError != "" || !strings.Contains(res.Payload, "Hello, x") {
		t.Errorf("got %s %s", res.FunctionError, res.Payload)
	}
}
