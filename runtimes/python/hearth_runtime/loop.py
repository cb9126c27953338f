"""Init and invoke phases of the Python runtime."""

import os
import sys

from . import faults, handler, jsons, logs
from .client import RuntimeApiError, RuntimeClient
from .context import LambdaContext

_EXECUTION_ENV = os.environ.get("AWS_EXECUTION_ENV", "")
# AWS's runtimes escape what is not ASCII up to 3.11.
_ASCII = _EXECUTION_ENV in ["AWS_Lambda_python3.%d" % minor for minor in range(6, 12)]
_Generator = type(_ for _ in ())


def main(opt):
    """Runs until the process is killed; exits with status 1 after an init error."""
    many = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 0)
    if many > 1:
        from . import workers  # which few functions need

        workers.serve(many, lambda ready: _work(opt, ready))
    _work(opt, lambda: None)


def _work(opt, ready):
    client = RuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    logs.take_streams()
    logs.watch_logging()
    _extend_path(opt)
    try:
        function = handler.load(os.environ.get("_HANDLER", ""))
    except Exception:
        failure = faults.current()
        logs.log_failure(failure.payload())
        logs.flush()
        try:
            client.post_init_error(_body(failure.payload()), failure.error_type)
        except RuntimeApiError:  # another process was first
            pass
        sys.exit(1)
    ready()
    while True:
        logs.flush()
        headers, body = client.next_invocation()
        _invoke(client, function, headers, body)


def _extend_path(opt):
    version = _EXECUTION_ENV[len("AWS_Lambda_") :] or "python%d.%d" % sys.version_info[:2]
    task = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    layers = os.path.join(opt, "python")
    if sys.path[0] in sys.path[1:]:  # the script's directory, and PYTHONPATH
        del sys.path[0]
    sys.path[:0] = [task, os.path.join(layers, "lib", version, "site-packages"), layers]


def _invoke(client, function, headers, body):
    request_id = headers["lambda-runtime-aws-request-id"]
    logs.invocation.request_id = request_id
    logs.invocation.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
    if "lambda-runtime-trace-id" in headers:
        os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(
            headers,
            _json_header(headers, "lambda-runtime-client-context", "Client Context"),
            _json_header(headers, "lambda-runtime-cognito-identity", "Cognito Identity"),
        )
        result = function(_unmarshal(headers, body), context)
        if isinstance(result, _Generator):
            from . import stream  # which few functions need

            stream.send(client, request_id, result)
            return
        result, content_type = _marshal(result)
    except Exception:
        failure = faults.current()
        payload = failure.payload(request_id)
        logs.log_failure(payload)
        logs.flush()
        cause = jsons.encode(failure.xray_cause(), ascii_only=True)
        client.post_error(request_id, _body(payload), failure.error_type, cause)
        return
    logs.flush()
    client.post_response(request_id, result, content_type)


def _unmarshal(headers, body):
    if headers.get("content-type", "application/json") != "application/json":
        return bytes(body)
    try:
        return jsons.decode(body)
    except Exception as e:
        raise faults.Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e) from None


def _marshal(result):
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return jsons.encode(result, _ASCII).encode("utf-8"), "application/json"
    except Exception as e:
        raise faults.Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e) from None


def _body(payload):
    return jsons.encode(payload, _ASCII).encode("utf-8", "replace")


def _json_header(headers, name, title):
    value = headers.get(name)
    if not value:
        return None
    try:
        return jsons.decode(value.encode("utf-8"))
    except Exception as e:
        raise faults.Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (title, e)) from None
