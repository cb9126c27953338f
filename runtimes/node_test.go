package runtimes_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/runtimes"
)

// node starts a function in one file.
func node(t *testing.T, runtime, handler, file, code string) *environment {
	t.Helper()
	return start(t, function{runtime: runtime, handler: handler, files: map[string]string{file: code}})
}

// nodeAs starts a function as an AWS runtime of another version than the
// interpreter's, to see the behaviour that goes with the runtime's name.
func nodeAs(t *testing.T, runtime, handler, file, code string) *environment {
	t.Helper()
	served := newest(t, runtimes.Node)
	set := hostSet(t)
	if served != runtime {
		set = newSet(t, func(o *runtimes.Options) { o.Substitutes = runtimes.Substitutes{runtime: served} })
	}
	return start(t, function{runtime: runtime, handler: handler, files: map[string]string{file: code}, set: set})
}

func TestNode_EveryVersionInvokesWarm(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		e := node(t, runtime, "index.handler", "index.js", `
let calls = 0;
exports.handler = async (event) => ({ name: event.name, calls: ++calls, text: "hé" });
`)
		for _, want := range []string{"1", "2", "3"} {
			if diff := cmp.Diff(`{"name":"x","calls":`+want+`,"text":"hé"}`, e.invoke(`{"name": "x"}`)); diff != "" {
				t.Errorf("call %s (-want +got):\n%s", want, diff)
			}
		}
	})
}

func TestNode_HandlerErrorOnEveryVersion(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		e := node(t, runtime, "index.handler", "index.js", `
class MyError extends Error {}
MyError.prototype.name = "MyError";
exports.handler = async () => {
  const error = new MyError("boom");
  error.detail = 7;
  error.stack = "MyError: boom\n    at handler (/var/task/index.js:5:17)";
  throw error;
};
`)
		golden(t, "node/handler-error", e.transcript(e.send(event{body: "{}"})))
	})
}

// A stack trace has the handler, as a method of Runtime unless the handler's own name is
// another, and one line of the runtime's, as on AWS.
func TestNode_StackOfAnError_HasOneLineOfTheRuntime(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		for _, test := range []struct{ file, code, handler string }{
			{"index.js", `exports.handler = () => { throw new Error("boom"); };`, "at exports.handler"},
			{"index.mjs", `export const handler = () => { throw new Error("boom"); };`, "at Runtime.handler"},
			{"index.mjs", `export const handler = async () => { throw new Error("boom"); };`, "at Runtime.handler"},
			{"index.mjs", `export const handler = awslambda.streamifyResponse(async () => { throw new Error("boom"); });`, "at Runtime.handler"},
		} {
			e := node(t, runtime, "index.handler", test.file, test.code)
			for range 2 {
				var got struct{ Trace []string }
				answer := e.send(event{body: "{}"})
				body := []byte(answer.body)
				if trailer := answer.trailer.Get("Lambda-Runtime-Function-Error-Body"); trailer != "" {
					body, _ = base64.StdEncoding.DecodeString(trailer)
				}
				if err := json.Unmarshal(body, &got); err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				if len(got.Trace) != 3 || !strings.Contains(got.Trace[1], test.handler) || !strings.Contains(got.Trace[2], ".cjs:") {
					t.Errorf("%s: %q", test.code, got.Trace)
				}
			}
		}
	})
}

// The faults that end the init phase; stack traces lead through Node's own
// files and differ by version.
func TestNode_InitFaults(t *testing.T) {
	for _, test := range []struct {
		name, handler, file, code string
		want                      string // prefix of the payload
	}{
		{"missing module", "absent.handler", "index.js", "",
			`{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'absent'\nRequire stack:\n- /var/runtime/index.mjs","trace":["Runtime.ImportModuleError: Error: Cannot find module 'absent'","Require stack:","- /var/runtime/index.mjs",`},
		{"missing package", "index.handler", "index.js", `require("does-not-exist")`,
			`{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'does-not-exist'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs","trace":[`},
		{"missing handler", "index.absent", "index.js", "exports.handler = 1",
			`{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.absent is undefined or not exported","trace":["Runtime.HandlerNotFound: index.absent is undefined or not exported",`},
		{"handler is no function", "index.handler", "index.js", "exports.handler = 1",
			`{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is not a function","trace":[`},
		{"syntax error", "index.handler", "index.js", "exports.handler = = 1",
			`{"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: Unexpected token '='","trace":["Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token '='",`},
		{"no dot", "index", "index.js", "",
			`{"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler","trace":["Runtime.MalformedHandlerName: Bad handler",`},
		{"path upwards", "../index.handler", "index.js", "",
			`{"errorType":"Runtime.MalformedHandlerName","errorMessage":"'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names.","trace":[`},
		{"module throws", "index.handler", "index.js", `throw new RangeError("at load")`,
			`{"errorType":"RangeError","errorMessage":"at load","trace":["RangeError: at load","    at Object.<anonymous> (/var/task/index.js:1:7)",`},
		{"es module throws", "index.handler", "index.mjs", `await null; throw new RangeError("at load")`,
			`{"errorType":"RangeError","errorMessage":"at load","trace":["RangeError: at load","    at file:///var/task/index.mjs:1:19"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := node(t, newest(t, runtimes.Node), test.handler, test.file, test.code)
			got := e.posted()
			if got.path != "/2018-06-01/runtime/init/error" {
				t.Errorf("posted to %s", got.path)
			}
			if body := e.mask(got.body); !strings.HasPrefix(body, test.want) {
				t.Errorf("payload:\n got %s\nwant %s...", body, test.want)
			}
			kind, _, _ := strings.Cut(strings.TrimPrefix(test.want, `{"errorType":"`), `"`)
			if got := got.header.Get("Lambda-Runtime-Function-Error-Type"); got != kind {
				t.Errorf("error type header = %q, want %q", got, kind)
			}
			if status := e.exit(); status != 129 {
				t.Errorf("exit status = %d, want 129", status)
			}
			if log := e.logged(); !strings.HasPrefix(log, "TIME\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\""+kind+"\"") {
				t.Errorf("log = %q", log)
			}
		})
	}
}

func TestNode_ModuleKinds(t *testing.T) {
	const esm = `import os from "node:os"; const where = await Promise.resolve("esm"); export const handler = async () => where;`
	const cjs = `exports.handler = async () => "cjs";`
	for _, test := range []struct {
		name, handler, want string
		files               map[string]string
	}{
		{"mjs", "index.handler", `"esm"`, map[string]string{"index.mjs": esm}},
		{"cjs", "index.handler", `"cjs"`, map[string]string{"index.cjs": cjs}},
		{"type module", "index.handler", `"esm"`, map[string]string{"index.js": esm, "package.json": `{"type":"module"}`}},
		{"cjs in type module", "index.handler", `"cjs"`, map[string]string{"index.cjs": cjs, "package.json": `{"type":"module"}`}},
		{"type of the nearest package", "lib/index.handler", `"cjs"`, map[string]string{"lib/index.js": cjs, "lib/package.json": `{}`, "package.json": `{"type":"module"}`}},
		{"nested directory", "a/b/index.handler", `"cjs"`, map[string]string{"a/b/index.js": cjs}},
		{"nested property", "index.api.v1.handler", `"deep"`, map[string]string{"index.js": `exports.api = { v1: { handler: async () => "deep" } };`}},
		{"directory with index", "app.handler", `"cjs"`, map[string]string{"app/index.js": cjs}},
		{"package in node_modules", "pkg.handler", `"cjs"`, map[string]string{"node_modules/pkg/index.js": cjs}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := start(t, function{runtime: newest(t, runtimes.Node), handler: test.handler, files: test.files})
			if got := e.invoke("{}"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNode_CallbackStyle(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"result", `callback(null, { ok: true })`, `{"ok":true}`},
		{"later", `setTimeout(() => callback(null, "later"), 5)`, `"later"`},
		{"nothing", `callback()`, `null`},
		{"first call counts", `callback(null, 1); callback(null, 2); context.done(null, 3)`, `1`},
		{"waits for the event loop", `globalThis.n = 1; callback(null, { get n() { return globalThis.n; } }); setTimeout(() => { globalThis.n = 2; }, 20)`, `{"n":2}`},
		{"does not wait when told", `globalThis.n = 1; context.callbackWaitsForEmptyEventLoop = false; callback(null, { get n() { return globalThis.n; } }); setTimeout(() => { globalThis.n = 2; }, 20)`, `{"n":1}`},
		{"never called", `setTimeout(() => {}, 5)`, `null`},
		{"return value is ignored", `return 5`, `null`},
		{"succeed", `context.succeed("s")`, `"s"`},
		{"done", `context.done(null, "d")`, `"d"`},
		{"promise", `return Promise.resolve("p")`, `"p"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := nodeAs(t, "nodejs22.x", "index.handler", "index.js", "exports.handler = (event, context, callback) => { "+test.body+" };")
			for range 2 { // the second shows that the first left nothing behind
				if got := e.invoke("{}"); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
			}
		})
	}
}

func TestNode_FailuresByCallback(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"string", `callback("plain")`, `{"errorType":"string","errorMessage":"plain","trace":[]}`},
		{"object", `callback({ toString: () => "shown" })`, `{"errorType":"object","errorMessage":"shown","trace":[]}`},
		{"context.fail of nothing", `context.fail()`, `{"errorType":"string","errorMessage":"handled","trace":[]}`},
		{"error", `callback(Object.assign(new TypeError("t"), { stack: "S" }))`, `{"errorType":"TypeError","errorMessage":"t","trace":["S"]}`},
		{"thrown", `throw Object.assign(new TypeError("t"), { stack: "S" })`, `{"errorType":"TypeError","errorMessage":"t","trace":["S"]}`},
		{"unprintable", `callback(Object.create(null))`, `{"errorType":"handled","errorMessage":"callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := nodeAs(t, "nodejs20.x", "index.handler", "index.js", "exports.handler = (event, context, callback) => { if (event) return callback(null, 1); "+test.body+" };")
			got := e.send(event{body: "0"})
			if got.body != test.want || !strings.HasSuffix(got.path, "/error") {
				t.Errorf("posted to %s:\n got %s\nwant %s", got.path, got.body, test.want)
			}
			if got := e.invoke("1"); got != "1" {
				t.Errorf("next call = %s", got)
			}
		})
	}
}

func TestNode_CallbackHandlerIsRefusedFrom24(t *testing.T) {
	e := nodeAs(t, "nodejs24.x", "index.handler", "index.js", "exports.handler = (event, context, callback) => callback(null, 1);")
	if got, want := e.posted().body, `{"errorType":"Runtime.CallbackHandlerDeprecated","errorMessage":"ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. `; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s...", got, want)
	}
}

func TestNode_From24ReturnValueIsTheResult(t *testing.T) {
	e := nodeAs(t, "nodejs24.x", "index.handler", "index.mjs", "export default { handler: (event, context) => Object.keys(context) };")
	want := `["functionVersion","functionName","memoryLimitInMB","logGroupName","logStreamName","clientContext","identity","invokedFunctionArn","awsRequestId","tenantId","getRemainingTimeInMillis"]`
	if got := e.invoke("{}"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNode_PromiseThatNeverSettles(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", "exports.handler = async (event) => event || new Promise(() => {});")
	got := e.send(event{body: "0"})
	if want := `{"errorType":"Runtime.NodeJsExit","errorMessage":"The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled.`; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s", got.body)
	}
	if got := e.invoke("1"); got != "1" {
		t.Errorf("next call = %s", got)
	}
}

func TestNode_ResultThatIsNotJSON(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", "exports.handler = async (event) => event || 10n;")
	got := e.send(event{body: "0"})
	if want := `{"errorType":"Error","errorMessage":"Unable to stringify response body","trace":[`; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s, want %s...", got.body, want)
	}
	if got := e.invoke("1"); got != "1" {
		t.Errorf("next call = %s", got)
	}
}

func TestNode_UnhandledRejectionEndsTheRuntime(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `
exports.handler = () => new Promise(() => { Promise.reject(new Error("lost")); setTimeout(() => {}, 60000); });
`)
	got := e.send(event{body: "{}"})
	if want := `{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost","trace":["Runtime.UnhandledPromiseRejection: Error: lost",`; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s, want %s...", got.body, want)
	}
	if status := e.exit(); status != 128 {
		t.Errorf("exit status = %d, want 128", status)
	}
	if log := e.logged(); !strings.Contains(log, "request-1\tERROR\tUnhandled Promise Rejection \t{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"Error: lost\",\"reason\":{\"errorType\":\"Error\",\"errorMessage\":\"lost\"") {
		t.Errorf("log = %q", log)
	}
}

func TestNode_UncaughtExceptionEndsTheRuntime(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `
exports.handler = () => new Promise(() => { setTimeout(() => { throw new Error("stray"); }, 1); });
`)
	got := e.send(event{body: "{}"})
	if want := `{"errorType":"Error","errorMessage":"stray","trace":["Error: stray",`; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s, want %s...", got.body, want)
	}
	if status := e.exit(); status != 129 {
		t.Errorf("exit status = %d, want 129", status)
	}
}

func TestNode_RejectionBetweenInvocationsEndsTheRuntime(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `
exports.handler = async () => { setTimeout(() => Promise.reject(new Error("late")), 20); return 1; };
`)
	if got := e.invoke("{}"); got != "1" {
		t.Errorf("response = %s", got)
	}
	if got := e.posted(); !strings.HasSuffix(got.path, "/request-1/error") {
		t.Errorf("posted to %s", got.path)
	}
	if status := e.exit(); status != 128 {
		t.Errorf("exit status = %d, want 128", status)
	}
}

func TestNode_ProcessExitEndsTheRuntime(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `
exports.handler = async () => { process.stdout.write("last"); process.exit(7); };
`)
	e.events <- event{id: "a", body: "{}"}
	if status := e.exit(); status != 7 {
		t.Errorf("exit status = %d, want 7", status)
	}
	if got := e.log.String(); got != "last" {
		t.Errorf("log = %q, want %q", got, "last")
	}
}

func TestNode_Context(t *testing.T) {
	e := nodeAs(t, "nodejs20.x", "index.handler", "index.js", `
exports.handler = async (event, c) => {
  const left = c.getRemainingTimeInMillis();
  return { ...c, left: left > 0 && left <= 60000, trace: process.env._X_AMZN_TRACE_ID };
};
`)
	got := e.send(event{id: "id-1", body: "{}", header: map[string]string{
		"Lambda-Runtime-Client-Context":   `{"custom":{"k":"ü"}}`,
		"Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`,
		"Lambda-Runtime-Aws-Tenant-Id":    "blue",
		"Lambda-Runtime-Trace-Id":         "Root=1-2-3",
	}})
	want := `{"callbackWaitsForEmptyEventLoop":true,"functionVersion":"$LATEST","functionName":"fn","memoryLimitInMB":"256","logGroupName":"/aws/lambda/fn","logStreamName":"stream","clientContext":{"custom":{"k":"ü"}},"identity":{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"},"invokedFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:fn","awsRequestId":"id-1","tenantId":"blue","left":true,"trace":"Root=1-2-3"}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("with everything (-want +got):\n%s", diff)
	}
	got = e.send(event{id: "id-2", body: "{}"})
	if want := `"awsRequestId":"id-2","left":true}`; !strings.HasSuffix(got.body, want) {
		t.Errorf("with nothing: %s, want it to end in %s", got.body, want)
	}
}

func TestNode_ContextHeaderThatIsNotJSON(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", "exports.handler = async () => 1;")
	got := e.send(event{body: "{}", header: map[string]string{"Lambda-Runtime-Client-Context": "{nope"}})
	if want := `{"errorType":"Error","errorMessage":"Cannot parse ClientContext as json: SyntaxError: `; !strings.HasPrefix(got.body, want) {
		t.Errorf("got %s, want %s...", got.body, want)
	}
}

const loggingHandler = `
console.log("at init");
exports.handler = async () => {
  console.debug("hidden?");
  console.log("two\nlines %s", "x", { a: 1 });
  console.warn({ b: [2] });
  console.error("failed:", Object.assign(new RangeError("r"), { stack: "S1\nS2" }));
};
`

func TestNode_TextLog(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", loggingHandler)
	golden(t, "node/text-log", e.transcript(e.send(event{body: "{}"})))
}

func TestNode_JSONLog(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Node),
		handler: "index.handler",
		env:     map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
		files:   map[string]string{"index.js": loggingHandler},
	})
	golden(t, "node/json-log", e.transcript(e.send(event{body: "{}", header: map[string]string{"Lambda-Runtime-Aws-Tenant-Id": "blue"}})))
}

func TestNode_ErrorThatCannotBeRead(t *testing.T) {
	for _, format := range []string{"Text", "JSON"} {
		e := start(t, function{
			runtime: newest(t, runtimes.Node),
			handler: "index.handler",
			env:     map[string]string{"AWS_LAMBDA_LOG_FORMAT": format},
			files: map[string]string{"index.js": `
exports.handler = async (property) => {
  const error = new Error("m");
  Object.defineProperty(error, property, { enumerable: true, get() { throw new Error("unreadable"); } });
  throw error;
};
`}})
		for _, property := range []string{"name", "message", "stack"} {
			const want = `{"errorType":"handled","errorMessage":"callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack"}`
			if got := e.send(event{body: `"` + property + `"`}); got.body != want {
				t.Errorf("%s log, %s: %s", format, property, got.body)
			}
		}
	}
}

func TestNode_JSONLogOfAnErrorOfTheRuntime(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Node),
		handler: "index.nope",
		env:     map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON"},
		files:   map[string]string{"index.js": ""},
	})
	e.posted()
	e.exit()
	if want := `"errorType":"HandlerNotFound","errorMessage":"index.nope is undefined or not exported"`; !strings.Contains(e.logged(), want) {
		t.Errorf("log has no %s: %s", want, e.logged())
	}
}

func TestNode_LargePayloadsBothWays(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", "exports.handler = async (event) => event;")
	body := `"` + strings.Repeat("é", 3<<20) + `"`
	if got := e.invoke(body); got != body {
		t.Errorf("response has %d bytes, want %d and the same", len(got), len(body))
	}
	if got := e.send(event{body: body, chunked: true}); got.body != body {
		t.Errorf("chunked: response has %d bytes, want %d and the same", len(got.body), len(body))
	}
}

func TestNode_ThousandWarmCalls(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `const id = Math.random(); exports.handler = async () => id;`)
	first := e.invoke("{}")
	for range 1000 {
		if got := e.invoke("{}"); got != first {
			t.Fatalf("id changed from %s to %s", first, got)
		}
	}
}
