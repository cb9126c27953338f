package runtimes_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

const httpIntegration = "application/vnd.awslambda.http-integration-response"

// wantStream checks a streamed answer that was posted.
func (e *environment) wantStream(got post, contentType, body string) {
	e.t.Helper()
	mode := got.header.Get("Lambda-Runtime-Function-Response-Mode")
	if !strings.HasSuffix(got.path, "/response") || mode != "streaming" || got.header.Get("Content-Type") != contentType || got.body != body {
		e.t.Errorf("posted %q as %q, mode %q, to %s; want %q as %q\nlog:\n%s",
			got.body, got.header.Get("Content-Type"), mode, got.path, body, contentType, e.log)
	}
}

// wantTrailers checks the error at the end of a streamed answer.
func (e *environment) wantTrailers(got post, errorType, message string) {
	e.t.Helper()
	body, err := base64.StdEncoding.DecodeString(got.trailer.Get("Lambda-Runtime-Function-Error-Body"))
	var fields struct{ ErrorType, ErrorMessage string }
	if err == nil {
		err = json.Unmarshal(body, &fields)
	}
	if kind := got.trailer.Get("Lambda-Runtime-Function-Error-Type"); err != nil || kind != errorType ||
		fields.ErrorType != errorType || fields.ErrorMessage != message {
		e.t.Errorf("trailers %v, body %s, %v; want %s %q", got.trailer, body, err, errorType, message)
	}
}

// wantNoTrailers checks that a streamed answer ended well.
func (e *environment) wantNoTrailers(got post) {
	e.t.Helper()
	for name, values := range got.trailer {
		if len(values) > 0 {
			e.t.Errorf("trailer %s: %q", name, values)
		}
	}
}

func TestNodeStream_EveryVersion(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		e := node(t, runtime, "index.handler", "index.mjs", `
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  stream.write("hé " + event.name + " ");
  stream.write(Buffer.from(context.awsRequestId + " "));
  stream.write({ n: 1 });
  stream.end();
});
`)
		for _, id := range []string{"request-1", "request-2"} { // the connection stays usable
			got := e.send(event{body: `{"name":"x"}`})
			e.wantStream(got, "text/plain", "hé x "+id+` {"n":1}`)
			e.wantNoTrailers(got)
		}
	})
}

func streamNode(t *testing.T, body string) *environment {
	t.Helper()
	return node(t, newest(t, runtimes.Node), "index.handler", "index.js",
		"exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {\n"+body+"\n});\n")
}

func TestNodeStream_Pipeline_IsSentWhole(t *testing.T) {
	e := streamNode(t, `
  const { Readable } = require("stream");
  const { pipeline } = require("stream/promises");
  await pipeline(Readable.from(function* () {
    for (let i = 0; i < 64; i++) yield Buffer.alloc(1 << 16, "x");
  }()), stream);`)
	e.wantStream(e.send(event{body: "{}"}), "application/octet-stream", strings.Repeat("x", 4<<20))
}

func TestNodeStream_HttpResponseStream_SendsThePreludeFirst(t *testing.T) {
	e := streamNode(t, `
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 418, headers: { "x-a": "1" }, cookies: ["c=d"] });
  stream.write("body");
  stream.end();`)
	e.wantStream(e.send(event{body: "{}"}), httpIntegration,
		`{"statusCode":418,"headers":{"x-a":"1"},"cookies":["c=d"]}`+strings.Repeat("\x00", 8)+"body")
}

func TestNodeStream_HttpResponseStreamWithoutBody_SendsThePrelude(t *testing.T) {
	e := streamNode(t, `awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end();`)
	e.wantStream(e.send(event{body: "{}"}), httpIntegration, `{"statusCode":204}`+strings.Repeat("\x00", 8))
}

func TestNodeStream_Empty_IsSent(t *testing.T) {
	e := streamNode(t, `stream.end();`)
	got := e.send(event{body: "{}"})
	e.wantStream(got, "application/octet-stream", "")
	e.wantNoTrailers(got)
}

// As on AWS: not by /error, but as a response without content.
func TestNodeStream_ThrowBeforeWrite_IsAnEmptyStreamWithTrailers(t *testing.T) {
	e := streamNode(t, `
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
  throw new TypeError("early");`)
	for range 2 {
		got := e.send(event{body: "{}"})
		e.wantStream(got, httpIntegration, "")
		e.wantTrailers(got, "TypeError", "early")
	}
}

func TestNodeStream_ThrowAfterWrite_EndsWithTrailers(t *testing.T) {
	e := streamNode(t, `
  stream.write("prefix");
  throw new TypeError("late");`)
	for range 2 {
		got := e.send(event{body: "{}"})
		e.wantStream(got, "application/octet-stream", "prefix")
		e.wantTrailers(got, "TypeError", "late")
	}
	if !strings.Contains(e.logged(), `Invoke Error`) {
		t.Errorf("no line of the error in the log:\n%s", e.log)
	}
}

func TestNodeStream_LongError_FitsTheTrailers(t *testing.T) {
	e := streamNode(t, `
  stream.write("prefix");
  throw new Error("é".repeat(100000));`)
	got := e.send(event{body: "{}"})
	e.wantTrailers(got, "Error", strings.Repeat("é", 256))
	if size := len(got.trailer.Get("Lambda-Runtime-Function-Error-Body")); size > 3<<10 {
		t.Errorf("a trailer of %d bytes", size)
	}
}

func TestNodeStream_Destroyed_EndsWithTrailers(t *testing.T) {
	e := streamNode(t, `
  stream.on("error", () => {});
  stream.write("prefix");
  stream.destroy(new Error("cut"));`)
	got := e.send(event{body: "{}"})
	e.wantStream(got, "application/octet-stream", "prefix")
	e.wantTrailers(got, "Error", "cut")
}

func TestNodeStream_NotAsync_IsAnError(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js",
		`exports.handler = awslambda.streamifyResponse((event, stream) => {});`)
	e.wantTrailers(e.send(event{body: "{}"}), "Error", "Streaming does not support non-async handlers.")
}

func TestNodeStream_ContentTypeTooLate_IsAnError(t *testing.T) {
	e := streamNode(t, `
  stream.write("prefix");
  stream.setContentType("text/plain");`)
	e.wantTrailers(e.send(event{body: "{}"}), "Runtime.InvalidStreamingOperation", "Cannot set content-type, too late.")
}

func TestNodeStream_NeverSettled_IsAnError(t *testing.T) {
	e := streamNode(t, `await new Promise(() => {});`)
	for range 2 {
		got := e.send(event{body: "{}"})
		if kind := got.trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "Runtime.NodeJsExit" {
			t.Errorf("posted to %s with trailers %v", got.path, got.trailer)
		}
	}
}

func TestNodeStream_OtherKind_IsRefusedAtInit(t *testing.T) {
	e := node(t, newest(t, runtimes.Node), "index.handler", "index.js", `
exports.handler = async () => {};
exports.handler[Symbol.for("aws.lambda.runtime.handler.streaming")] = "request";`)
	got := e.posted()
	if kind := got.header.Get("Lambda-Runtime-Function-Error-Type"); got.path != "/2018-06-01/runtime/init/error" || kind != "Runtime.MalformedStreamingHandler" {
		t.Errorf("posted %s to %s", kind, got.path)
	}
}

func TestNodeStream_GlobalNotWanted_IsAbsent(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Node), handler: "index.handler", env: map[string]string{"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "1"},
		files: map[string]string{"index.js": `exports.handler = async () => typeof awslambda;`},
	})
	if got := e.invoke("{}"); got != `"undefined"` {
		t.Errorf("got %s", got)
	}
}

// Node.js 24 refuses handlers with callbacks, which streaming ones resemble.
func TestNodeStream_ThreeParametersOnNode24_AreNoCallback(t *testing.T) {
	e := nodeAs(t, "nodejs24.x", "index.handler", "index.js",
		`exports.handler = awslambda.streamifyResponse(async (event, stream, context) => { stream.end("fine"); });`)
	e.wantStream(e.send(event{body: "{}"}), "application/octet-stream", "fine")
}

func TestPythonStream_EveryVersion(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", `
def handler(event, context):
    yield "hé " + event["name"] + " "
    yield b""
    yield bytearray(b"bytes ")
    yield context.aws_request_id
`)
		for _, id := range []string{"request-1", "request-2"} {
			got := e.send(event{body: `{"name":"x"}`})
			e.wantStream(got, "application/octet-stream", "hé x bytes "+id)
			e.wantNoTrailers(got)
		}
	})
}

func streamPython(t *testing.T, code string) *environment {
	t.Helper()
	return python(t, newest(t, runtimes.Python), "app.handler", code)
}

func TestPythonStream_LargePieces_AreSentWhole(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    return (b"x" * (1 << 20) for _ in range(4))
`)
	e.wantStream(e.send(event{body: "{}"}), "application/octet-stream", strings.Repeat("x", 4<<20))
}

func TestPythonStream_DictFirst_IsThePrelude(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    yield {"statusCode": 418}
    yield "body"
`)
	e.wantStream(e.send(event{body: "{}"}), httpIntegration, `{"statusCode": 418}`+strings.Repeat("\x00", 8)+"body")
}

func TestPythonStream_Empty_IsSent(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    return iter_nothing()

def iter_nothing():
    return
    yield
`)
	got := e.send(event{body: "{}"})
	e.wantStream(got, "application/octet-stream", "")
	e.wantNoTrailers(got)
}

func TestPythonStream_RaiseBeforeYield_IsAnError(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    raise ValueError("early")
    yield
`)
	for range 2 {
		got := e.send(event{body: "{}"})
		if !strings.HasSuffix(got.path, "/error") || !strings.HasPrefix(got.body, `{"errorMessage": "early", "errorType": "ValueError"`) {
			t.Errorf("posted %s to %s", got.body, got.path)
		}
	}
}

func TestPythonStream_RaiseAfterYield_EndsWithTrailers(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    yield "prefix"
    raise ValueError("late")
`)
	for range 2 {
		got := e.send(event{body: "{}"})
		e.wantStream(got, "application/octet-stream", "prefix")
		e.wantTrailers(got, "ValueError", "late")
	}
	if !strings.Contains(e.logged(), "[ERROR] ValueError: late") {
		t.Errorf("no line of the error in the log:\n%s", e.log)
	}
}

func TestPythonStream_LongError_FitsTheTrailers(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    yield "prefix"
    raise ValueError("é" * 100000)
`)
	got := e.send(event{body: "{}"})
	e.wantTrailers(got, "ValueError", strings.Repeat("é", 256))
	if size := len(got.trailer.Get("Lambda-Runtime-Function-Error-Body")); size > 3<<10 {
		t.Errorf("a trailer of %d bytes", size)
	}
}

func TestPythonStream_NeitherBytesNorText_IsAMarshalError(t *testing.T) {
	e := streamPython(t, `
def handler(event, context):
    yield "prefix"
    yield 7
`)
	e.wantTrailers(e.send(event{body: "{}"}), "Runtime.MarshalError",
		"Unable to marshal response: a handler that streams yields bytes or str, not int")
}

// The invocation is over before its response began: both runtimes go on.
func TestStream_Refused_NextEventIsServed(t *testing.T) {
	tests := map[string]*environment{
		"node":   streamNode(t, `stream.end("text");`),
		"python": streamPython(t, "def handler(event, context):\n    yield 'text'\n"),
	}
	for name, e := range tests {
		e.refuse.Store(http.StatusBadRequest)
		e.send(event{body: "{}"})
		e.refuse.Store(0)
		if got := e.send(event{body: "{}"}); got.body != "text" {
			t.Errorf("%s: posted %q", name, got.body)
		}
	}
}

// The Runtime API has heard enough while the handler still writes.
func TestStream_RefusedMidway_NextEventIsServed(t *testing.T) {
	tests := map[string]*environment{
		"node": streamNode(t, `
  if (event.fine) return stream.end("text");
  for (let i = 0; i < 10; i++) {
    stream.write("x");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  stream.end();`),
		"python": streamPython(t, `
import time
def handler(event, context):
    if event.get("fine"):
        yield "text"
        return
    for _ in range(10):
        yield "x"
        time.sleep(0.02)
`),
	}
	for name, e := range tests {
		e.refuse.Store(http.StatusRequestEntityTooLarge)
		e.send(event{body: "{}"})
		e.refuse.Store(0)
		if got := e.send(event{body: `{"fine":true}`}); got.body != "text" {
			t.Errorf("%s: posted %q", name, got.body)
		}
	}
}
