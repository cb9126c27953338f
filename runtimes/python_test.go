package runtimes_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/runtimes"
)

// python starts a function in one file, app.py.
func python(t *testing.T, runtime, handler, code string) *environment {
	t.Helper()
	return start(t, function{runtime: runtime, handler: handler, files: map[string]string{"app.py": code}})
}

func TestPython_EveryVersionInvokesWarm(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", `
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {"name": event["name"], "calls": calls, "text": "h\u00e9"}
`)
		for i, want := range []string{"1", "2", "3"} {
			got := e.invoke(`{"name": "x"}`)
			text := inResult(runtime, "hé", `h\u00e9`)
			if diff := cmp.Diff(`{"name": "x", "calls": `+want+`, "text": "`+text+`"}`, got); diff != "" {
				t.Errorf("call %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// inResult picks how a runtime writes text that is not ASCII: AWS's runtimes
// escape it up to 3.11.
func inResult(runtime, text, escaped string) string {
	if r, ok := runtimes.Lookup(runtime); ok && slices.Contains([]string{"3.8", "3.9", "3.10", "3.11"}, r.Version) {
		return escaped
	}
	return text
}

func TestPython_HandlerErrorOnEveryVersion(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", `
def inner():
    raise ValueError("boom")

def handler(event, context):
    inner()
`)
		golden(t, "python/handler-error", e.transcript(e.send(event{body: "{}"})))
	})
}

func TestPython_ImportErrorOnEveryVersion(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "nothing.handler", "")
		got := e.posted()
		if status := e.exit(); status != 1 {
			t.Errorf("exit status = %d, want 1", status)
		}
		golden(t, "python/import-error", e.transcript(got))
	})
}

// The faults that end the init phase.
func TestPython_InitFaults(t *testing.T) {
	for _, test := range []struct{ name, handler, code string }{
		{"malformed-handler", "app", ""},
		{"handler-missing", "app.absent", "x = 1\n"},
		{"syntax-error", "app.handler", "x = = 1\n"},
		{"import-of-missing-package", "app.handler", "import does_not_exist\n"},
		{"builtin-module", "sys.handler", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := python(t, newest(t, runtimes.Python), test.handler, test.code)
			got := e.posted()
			if status := e.exit(); status != 1 {
				t.Errorf("exit status = %d, want 1", status)
			}
			golden(t, "python/"+test.name, e.transcript(got))
		})
	}
}

func TestPython_ModuleLevelErrorIsInitError(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", "boom = 1 / 0\n")
	got := e.posted()
	var payload struct {
		ErrorType, ErrorMessage, RequestID string
		StackTrace                         []string
	}
	if err := json.Unmarshal([]byte(got.body), &payload); err != nil {
		t.Fatal(err)
	}
	if got.path != "/2018-06-01/runtime/init/error" || payload.ErrorType != "ZeroDivisionError" || payload.ErrorMessage != "division by zero" {
		t.Errorf("posted %s: %s", got.path, got.body)
	}
	if last := payload.StackTrace[len(payload.StackTrace)-1]; !strings.Contains(last, "app.py\", line 1, in <module>\n    boom = 1 / 0\n") {
		t.Errorf("last frame = %q", last)
	}
	if first := payload.StackTrace[0]; strings.Contains(first, "hearth_runtime") {
		t.Errorf("first frame is the runtime's own: %q", first)
	}
}

func TestPython_ResultThatIsNotJSON(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", "def handler(event, context):\n    return {1, 2}\n")
	golden(t, "python/marshal-error", e.transcript(e.send(event{body: "{}"})))
}

func TestPython_ResultsAsOnAWS(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
import collections, decimal
Point = collections.namedtuple("Point", "x y")
def handler(event, context):
    return eval(event)
`)
	for _, test := range []struct{ expr, want string }{
		{"None", "null"},
		{"'text'", `"text"`},
		{"float('nan')", "NaN"},
		{"[decimal.Decimal('1.10'), decimal.Decimal('nan')]", "[1.10, NaN]"},
		{"{1: True, None: 2.5}", `{"1": true, "null": 2.5}`},
		{"(1, [2])", "[1, [2]]"},
		{"[Point(1, (Point(2, 3),))]", `[{"x": 1, "y": [{"x": 2, "y": 3}]}]`},
		{"b'raw \\xff'", "raw \xff"},
		{"{'body': b'text', 'list': [b'\\xc3\\xa9']}", `{"body": "text", "list": ["é"]}`},
	} {
		input, err := json.Marshal(test.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.invoke(string(input)); got != test.want {
			t.Errorf("%s = %q, want %q", test.expr, got, test.want)
		}
	}
}

func TestPython_CircularResultIsMarshalErrorAndNextCallWorks(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
def handler(event, context):
    if event:
        return "fine"
    loop = []
    loop.append(loop)
    return loop
`)
	got := e.send(event{body: "0"})
	if want := `{"errorMessage": "Unable to marshal response: Circular reference detected", "errorType": "Runtime.MarshalError", "requestId": "request-1", "stackTrace": []}`; got.body != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
	if got := e.invoke("1"); got != `"fine"` {
		t.Errorf("next call = %s", got)
	}
}

func TestPython_EventThatIsNotJSONOnEveryVersion(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", "def handler(event, context):\n    return event\n")
		for body, want := range map[string]string{
			`{1: 2}`: "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
			`[1] 2`:  "Extra data: line 1 column 5 (char 4)",
			` "open`: "Unterminated string starting at: line 1 column 2 (char 1)",
			"":       "Expecting value: line 1 column 1 (char 0)",
		} {
			got := e.send(event{body: body}).body
			if want := `"errorMessage": "Unable to unmarshal input: ` + want + `", "errorType": "Runtime.UnmarshalError"`; !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want it to contain %s", body, got, want)
			}
		}
		if got := e.invoke(" [1.5, true, null] "); got != "[1.5, true, null]" {
			t.Errorf("next call = %s", got)
		}
	})
}

func TestPython_SystemExitEndsTheRuntime(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", "import sys\ndef handler(event, context):\n    print('last', end='')\n    sys.exit(7)\n")
	e.events <- event{id: "a", body: "{}"}
	if status := e.exit(); status != 7 {
		t.Errorf("exit status = %d, want 7", status)
	}
	if got := e.log.String(); got != "last" {
		t.Errorf("log = %q, want %q", got, "last")
	}
	if len(e.posts) != 0 {
		t.Errorf("posted %+v", <-e.posts)
	}
}

func TestPython_NestedModules(t *testing.T) {
	files := map[string]string{"pkg/sub/mod.py": "def handler(event, context):\n    return __name__\n"}
	for _, handler := range []string{"pkg/sub/mod.handler", "pkg.sub.mod.handler"} {
		e := start(t, function{runtime: newest(t, runtimes.Python), handler: handler, files: files})
		if got := e.invoke("{}"); got != `"pkg.sub.mod"` {
			t.Errorf("%s: module = %s", handler, got)
		}
	}
}

func TestPython_Context(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
import os
def handler(event, c):
    left = c.get_remaining_time_in_millis()
    return {
        "id": c.aws_request_id, "group": c.log_group_name, "stream": c.log_stream_name,
        "name": c.function_name, "version": c.function_version, "arn": c.invoked_function_arn,
        "memory": c.memory_limit_in_mb, "left": type(left).__name__ if 0 < left <= 60000 else left,
        "identity": [c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id],
        "client": c.client_context and [c.client_context.custom, c.client_context.env, c.client_context.client.app_title],
        "tenant": c.tenant_id, "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
`)
	got := e.send(event{id: "id-1", body: "{}", header: map[string]string{
		"Lambda-Runtime-Client-Context":   `{"custom":{"k":"ü"},"env":{"e":1},"client":{"app_title":"t"}}`,
		"Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`,
		"Lambda-Runtime-Aws-Tenant-Id":    "blue",
		"Lambda-Runtime-Trace-Id":         "Root=1-2-3",
	}})
	want := `{"id": "id-1", "group": "/aws/lambda/fn", "stream": "stream", "name": "fn", "version": "$LATEST", "arn": "arn:aws:lambda:us-east-1:123456789012:function:fn", "memory": "256", "left": "int", "identity": ["i", "p"], "client": [{"k": "` + inResult(e.plan.Runtime.Name, "ü", `\u00fc`) + `"}, {"e": 1}, "t"], "tenant": "blue", "trace": "Root=1-2-3"}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("with everything (-want +got):\n%s", diff)
	}
	got = e.send(event{id: "id-2", body: "{}"})
	want = `"identity": [null, null], "client": null, "tenant": null, "trace": null}`
	if !strings.HasSuffix(got.body, want) {
		t.Errorf("with nothing: %s, want it to end in %s", got.body, want)
	}
}

func TestPython_TextLog(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
import logging, sys
logging.warning("at init")
def handler(event, context):
    logging.getLogger().setLevel("INFO")
    logging.getLogger("mine").info("hello %s", "wörld")
    context.log("by context\n")
    print("printed", 1)
    sys.stdout.buffer.write(b"bytes\n")
`)
	e.invoke("{}")
	want := "[WARNING]\tTIME\t\tat init\n[INFO]\tTIME\trequest-1\thello wörld\nby context\nprinted 1\nbytes\n"
	if diff := cmp.Diff(want, e.logged()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestPython_JSONLog(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := start(t, function{
			runtime: runtime,
			handler: "app.handler",
			env:     map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
			files: map[string]string{"app.py": `
import logging
log = logging.getLogger("mine")
def handler(event, context):
    log.debug("filtered")
    log.info("hello", extra={"order": 7})
    try:
        raise IndexError("i")
    except IndexError:
        log.exception("caught")
    raise KeyError("k")
`}})
		golden(t, "python/json-log", e.transcript(e.send(event{body: "{}", header: map[string]string{"Lambda-Runtime-Aws-Tenant-Id": "blue"}})))
	})
}

func TestPython_JSONLogOfWhatIsNotText(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Python),
		handler: "app.handler",
		env:     map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"},
		files: map[string]string{"app.py": `
import asyncio, decimal, logging, pathlib
log = logging.getLogger("mine")
async def inTask():
    log.warning("in a task")
def handler(event, context):
    log.warning({"a": [1]})
    log.warning("odd", extra={"n": 1, "at": pathlib.PurePosixPath("/x"), "b": b"x", "d": decimal.Decimal("1.5")})
    log.warning({(1, 2): 3})
    asyncio.run(inTask())
`}})
	e.invoke("{}")
	const head, tail = `{"timestamp": "TIME", "level": "WARNING", "message": `, `, "logger": "mine", "requestId": "request-1"`
	want := head + `{"a": [1]}` + tail + "}\n" + head + `"odd"` + tail + `, "n": 1, "at": "/x", "b": "b'x'", "d": "1.5"}` + "\n" +
		head + `"{(1, 2): 3}"` + tail + "}\n" + head + `"in a task"` + tail + `, "taskName": "Task-1"}` + "\n"
	if diff := cmp.Diff(want, e.logged()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestPython_ContextHasTheCallersTrace(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
def handler(event, c):
    return [c.w3c(), hasattr(c.client_context, "w3c"), c.client_context and c.client_context.custom]
`)
	for header, want := range map[string]string{
		`{"custom":{"k":1},"w3c":{"traceparent":"00-1-2-01","baggage":7,"other":"x"}}`: `[{"traceparent": "00-1-2-01"}, false, {"k": 1}]`,
		`{"w3c":"text"}`: `[{}, false, null]`,
		``:               `[{}, false, null]`,
	} {
		got := e.send(event{body: "{}", header: map[string]string{"Lambda-Runtime-Client-Context": header}})
		if got.body != want {
			t.Errorf("with %s: %s, want %s", header, got.body, want)
		}
	}
}

func TestPython_SearchPath(t *testing.T) {
	runtime := newest(t, runtimes.Python)
	e := start(t, function{
		runtime: runtime,
		handler: "app.handler",
		files: map[string]string{
			"app.py":  "import a, b, c, sys\ndef handler(event, context):\n    return [a.where, b.where, c.where]\n",
			"a.py":    "where = 'task'\n",
			"json.py": "raise RuntimeError('the runtime must not use the function\\'s json')\n",
		},
		layer: map[string]string{
			"python/a.py": "where = 'opt'\n",
			"python/b.py": "where = 'opt'\n",
			"python/c.py": "where = 'opt'\n",
			"python/lib/" + runtime + "/site-packages/b.py": "where = 'site'\n",
		},
	})
	if got := e.invoke("{}"); got != `["task", "site", "opt"]` {
		t.Errorf("modules come from %s", got)
	}
}

func TestPython_LargePayloadsBothWays(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", "def handler(event, context):\n    return event\n")
	body := `"` + strings.Repeat("x", 6<<20) + `"`
	if got := e.invoke(body); got != body {
		t.Errorf("response has %d bytes, want %d and the same", len(got), len(body))
	}
	if got := e.send(event{body: body, chunked: true}); got.body != body {
		t.Errorf("chunked: response has %d bytes, want %d and the same", len(got.body), len(body))
	}
}

func TestPython_ThousandWarmCalls(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", "import os\nid = os.urandom(8).hex()\ndef handler(event, context):\n    return id\n")
	first := e.invoke("{}")
	for range 1000 {
		if got := e.invoke("{}"); got != first {
			t.Fatalf("id changed from %s to %s", first, got)
		}
	}
}
