package e2e_test

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// awsVariables are the variables that AWS sets for a managed runtime, with
// patterns of their values.
func awsVariables(fn function, runtime string) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID":               `ASIA[A-Z2-7]{16}`,
		"AWS_SECRET_ACCESS_KEY":           `.+`,
		"AWS_SESSION_TOKEN":               `.+`,
		"AWS_LAMBDA_METADATA_API":         `169\.254\.100\.1:9001`,
		"AWS_LAMBDA_METADATA_TOKEN":       `.{20,}`,
		"AWS_DEFAULT_REGION":              `us-east-1`,
		"AWS_REGION":                      `us-east-1`,
		"AWS_EXECUTION_ENV":               `AWS_Lambda_` + regexp.QuoteMeta(runtime),
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": `128`,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.name,
		"AWS_LAMBDA_FUNCTION_VERSION":     `\$LATEST`,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  `on-demand`,
		"AWS_LAMBDA_LOG_GROUP_NAME":       `/aws/lambda/` + fn.name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      `\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}`,
		"AWS_LAMBDA_RUNTIME_API":          `169\.254\.100\.1:9001`,
		"AWS_XRAY_CONTEXT_MISSING":        `LOG_ERROR`,
		"AWS_XRAY_DAEMON_ADDRESS":         `169\.254\.100\.1:2000`,
		"_AWS_XRAY_DAEMON_ADDRESS":        `169\.254\.100\.1`,
		"_AWS_XRAY_DAEMON_PORT":           `2000`,
		"LAMBDA_RUNTIME_DIR":              `/var/runtime`,
		"LAMBDA_TASK_ROOT":                `/var/task`,
		"LANG":                            `en_US\.UTF-8`,
		"LD_LIBRARY_PATH":                 `(.*:)?` + regexp.QuoteMeta("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
		"PWD":                             `/var/task`,
		"SHLVL":                           `0`,
		"PATH":                            `(.*:)?` + regexp.QuoteMeta("/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
		"TZ":                              `:UTC`,
		"_HANDLER":                        `probe\.handler`,
	}
}

func TestEnvironment_HasAWSVariables(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	got := evaluate[map[string]string](t, fn, "dict(os.environ)")
	for name, pattern := range awsVariables(fn, newest(t, "python")) {
		if !regexp.MustCompile(`^(` + pattern + `)$`).MatchString(got[name]) {
			t.Errorf("%s=%s, want it like %s", name, got[name], pattern)
		}
	}
}

func TestEnvironment_HasNoOtherVariables(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t, environment("COLOUR", "green"))
	got := evaluate[map[string]string](t, fn, "dict(os.environ)")
	known := awsVariables(fn, newest(t, "python"))
	// AWS_ENDPOINT_URL is hearth's own: see docs/fidelity.md.
	for _, name := range []string{"COLOUR", markerVariable, "_X_AMZN_TRACE_ID", "PYTHONPATH", "PYTHONHOME", "LC_CTYPE", "AWS_ENDPOINT_URL"} {
		known[name] = ""
	}
	maps.DeleteFunc(got, func(name, _ string) bool { _, ok := known[name]; return ok })
	if len(got) > 0 {
		t.Errorf("variables that AWS does not set, and the function did not: %v", got)
	}
}

func TestEnvironment_KeepsReservedVariables(t *testing.T) {
	t.Parallel()
	d := shared(t)
	in := createInput(testName(t), newest(t, "python"), "probe.handler", files{"probe.py": ""}.zip(t))
	in.Environment.Variables["AWS_REGION"] = "mars-1"
	_, err := d.client().CreateFunction(ctxFor(t), in)
	answer := apiError(t, err)
	if answer.ErrorCode() != "InvalidParameterValueException" || !strings.Contains(answer.ErrorMessage(), "AWS_REGION") {
		t.Errorf("got %v, want an InvalidParameterValueException that names AWS_REGION", answer)
	}
}

func TestEnvironment_IsAnUnprivilegedUser(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	expect(t, fn, "os.getuid()", 993)
	expect(t, fn, "os.getgid()", 990)
	expect(t, fn, "os.getgroups() in ([], [990])", true)
	expect(t, fn, "[l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')][0]", "0000000000000000")
	expect(t, fn, "[l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')][0]", "1")
	expect(t, fn, "[l.split()[1] for l in open('/proc/self/status') if l.startswith('Seccomp:')][0]", "2")
}

func TestEnvironment_HasThePlacesOfAWS(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	const owner = "(lambda s: oct(s.st_mode) + f' {s.st_uid}')(os.stat('%s'))"
	expect(t, fn, fmt.Sprintf(owner, "/lambda-entrypoint.sh"), "0o100755 0")
	expect(t, fn, fmt.Sprintf(owner, "/opt"), "0o40755 0")
	expect(t, fn, "__import__('pwd').getpwuid(os.getuid()).pw_name", "sbx_user1051")
	expect(t, fn, "__import__('resource').getrlimit(__import__('resource').RLIMIT_NPROC)[0]", 742)
}

func TestEnvironment_StartsInTheTaskRoot(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	expect(t, fn, "os.getcwd()", "/var/task")
	expect(t, fn, "' '.join(os.listdir())", "probe.py")
}

func TestEnvironment_IsReadOnlyButForTmp(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	const written = `
def attempt(d):
    try:
        with open(d + "/e2e", "w"):
            return True
    except OSError:
        return False
result = sorted({d for d, _, _ in os.walk("/") if not d.startswith("/proc/") and attempt(d)})
`
	var got []string
	fn.call(t, event(t, "exec", written, "eval", "result"), &got)
	if diff := cmp.Diff([]string{"/tmp"}, got); diff != "" {
		t.Errorf("writable directories (-want +got):\n%s", diff)
	}
}

func TestEnvironment_KeepsItsTmp(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	fn.invoke(t, event(t, "exec", "open('/tmp/kept', 'w').write('x')"))
	expect(t, fn, "os.listdir('/tmp') == ['kept']", true)
}

func TestEnvironment_EnforcesMemory(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	res := fn.invoke(t, event(t, "exec", "x = b'x' * (400 << 20)"))
	if res.FunctionError != "Unhandled" || !regexp.MustCompile(
		`^\{"errorType":"(Runtime\.OutOfMemory|Runtime\.ExitError)","errorMessage":"RequestId: `+uuid+` Error: Runtime exited with error: signal: killed"\}$`).MatchString(res.Payload) {
		t.Errorf("400 MB in a function of 128 MB: %s %s", res.FunctionError, res.Payload)
	}
	expect(t, fn, "1", 1)
}

// What a process has resident is in use, whoever else has the same pages of files.
func TestEnvironment_ReportsWhatItsProcessesHave(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	resident := evaluate[int](t, fn, "int(open('/proc/self/status').read().split('VmRSS:')[1].split()[0]) // 1024")
	res := fn.invoke(t, event(t, "exec", "import time; time.sleep(0.2)")) // by then the last reading is old
	reported := regexp.MustCompile(`Max Memory Used: (\d+) MB`).FindStringSubmatch(res.Log)
	if reported == nil {
		t.Fatalf("no REPORT: %q", res.Log)
	}
	if n, err := strconv.Atoi(reported[1]); err != nil || n < resident || n > 128 {
		t.Errorf("reported %s MB, %v; the process has %d MB", reported[1], err, resident)
	}
}

func TestEnvironment_LimitsProcesses(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	const spawn = `
import threading
done, n = threading.Event(), 0
threading.stack_size(1 << 16)
try:
    while n < 5000:
        threading.Thread(target=done.wait, daemon=True).start()
        n += 1
except RuntimeError:
    pass
finally:
    done.set()
`
	var n int
	if fn.call(t, event(t, "exec", spawn, "eval", "n"), &n); n < 500 || n > 1024 {
		t.Errorf("a function started %d threads, want it to end at about 742", n)
	}
}

func TestInvoke_PassesClientContext(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	out, err := fn.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{
		FunctionName: &fn.name, Payload: []byte(event(t, "eval", "context.client_context.custom")),
		ClientContext: aws.String("eyJjdXN0b20iOnsiayI6InYifX0="), // {"custom":{"k":"v"}}
	})
	if err != nil || string(out.Payload) != `{"k": "v"}` {
		t.Errorf("the function saw %s, want {\"k\": \"v\"} (%v)", out.Payload, err)
	}
}

func TestInvoke_DryRunDoesNotRun(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	out, err := fn.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &fn.name, InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 || len(out.Payload) > 0 {
		t.Errorf("dry run: %v, status %d, payload %q", err, out.StatusCode, out.Payload)
	}
	if found := functionProcesses(fn.name); len(found) > 0 {
		t.Errorf("a dry run started %v", found)
	}
}
