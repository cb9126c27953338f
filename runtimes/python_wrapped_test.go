package runtimes_test

import (
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

// Libraries that report on every invocation replace parts of AWS's runtime,
// which they find from the main module or by its package's name.
const wrapping = `
import json, sys

main = sys.modules["__main__"]
import awslambdaric.bootstrap as bootstrap
assert main.awslambdaricmain.bootstrap is bootstrap

said = []
inner = bootstrap.handle_event_request

def wrapped(client, handler, *args, **kwargs):
    said.append("event " + args[0])
    return inner(client, lambda event, context: ["wrapped", handler(event, context)], *args, **kwargs)

bootstrap.handle_event_request = wrapped

def saying(name):
    method = getattr(bootstrap.LambdaRuntimeClient, name)
    def wrapper(self, *args, **kwargs):
        said.append(name)
        return method(self, *args, **kwargs)
    setattr(bootstrap.LambdaRuntimeClient, name, wrapper)

saying("post_invocation_result")
saying("post_invocation_error")
`

func TestPython_WrappedRuntime_HandlesEventsThroughTheWrapper(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", wrapping+`
def handler(event, context):
    if event:
        raise ValueError("no such thing")
    return said
`)
		e.invoke("{}")
		if p := e.send(event{id: "two", body: "1"}); !strings.HasSuffix(p.path, "/two/error") || !strings.Contains(p.body, `"no such thing"`) {
			t.Errorf("an error is posted to %s as %s", p.path, p.body)
		}
		const want = `"post_invocation_result", "event two", "post_invocation_error", "event `
		if got := e.invoke("{}"); !strings.HasPrefix(got, `["wrapped", [`) || !strings.Contains(got, want) {
			t.Errorf("got %s, want it to contain %s", got, want)
		}
	})
}

func TestPython_WrappedRuntime_ReportsErrorsOfInit(t *testing.T) {
	e := python(t, newest(t, runtimes.Python), "app.handler", `
import awslambdaric.lambda_runtime_client as client
inner = client.LambdaRuntimeClient.post_init_error
def wrapped(self, error, *args, **kwargs):
    return inner(self, {**error, "errorMessage": error["errorMessage"].upper()}, *args, **kwargs)
client.LambdaRuntimeClient.post_init_error = wrapped
raise ValueError("no such thing")
`)
	if p := e.posted(); !strings.HasSuffix(p.path, "/init/error") || !strings.HasPrefix(p.body, `{"errorMessage": "NO SUCH THING", "errorType": "ValueError"`) {
		t.Errorf("posted to %s: %s", p.path, p.body)
	}
}

func TestPython_PackagesOfTheRuntime_AreThere(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := python(t, runtime, "app.handler", `
from awslambdaric.bootstrap import _get_handler
from awslambdaric.lambda_context import LambdaContext
from snapshot_restore_py import get_after_restore, register_after_restore, register_before_snapshot

@register_before_snapshot
def close():
    raise AssertionError("there is no snapshot")

register_after_restore(print, "restored")

def other(event, context):
    return isinstance(context, LambdaContext), context.aws_request_id, len(get_after_restore())

def handler(event, context):
    return _get_handler("app.other")(event, context)
`)
		if p := e.send(event{id: "one", body: "{}"}); p.body != `[true, "one", 1]` {
			t.Errorf("got %s", p.body)
		}
	})
}
