"""Init and invoke phases of the Python runtime."""

import os
import sys

from . import faults, handler, jsons, logs
from .client import RuntimeApiError, RuntimeClient
from .context import LambdaContext

_EXECUTION_ENV = os.environ.get("AWS_EXECUTION_ENV", "")
_Generator = type(_ for _ in ())

# The module whose handle_event_request is called: awslambdaric.bootstrap once a
# library has imported that, to put a function of its own there.
replaceable = sys.modules[__name__]


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
            client.post_init_error(failure.payload())
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
    logs.invocation.request_id = headers["lambda-runtime-aws-request-id"]
    logs.invocation.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
    if "lambda-runtime-trace-id" in headers:
        os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    replaceable.handle_event_request(
        client,
        function,
        headers["lambda-runtime-aws-request-id"],
        body,
        headers.get("content-type", "application/json"),
        headers.get("lambda-runtime-client-context"),
        headers.get("lambda-runtime-cognito-identity"),
        headers.get("lambda-runtime-invoked-function-arn"),
        int(headers.get("lambda-runtime-deadline-ms") or 0),
        headers.get("lambda-runtime-aws-tenant-id"),
        None,
    )


def handle_event_request(
    lambda_runtime_client,
    request_handler,
    invoke_id,
    event_body,
    content_type,
    client_context_json,
    cognito_identity_json,
    invoked_function_arn,
    epoch_deadline_time_in_ms,
    tenant_id,
    log_sink,
    invocation_id=None,
):
    """Calls the handler for one event and sends what came of it. The parameters
    are those of AWS's function of this name; the last two are not used."""
    try:
        context = LambdaContext(
            invoke_id,
            _json_header(client_context_json, "Client Context"),
            _json_header(cognito_identity_json, "Cognito Identity"),
            epoch_deadline_time_in_ms,
            invoked_function_arn,
            tenant_id,
        )
        result = request_handler(_unmarshal(content_type, event_body), context)
        if isinstance(result, _Generator):
            from . import stream  # which few functions need

            stream.send(lambda_runtime_client, invoke_id, result)
            return
        result, content_type = _marshal(result)
    except Exception:
        failure = faults.current()
        payload = failure.payload(invoke_id)
        logs.log_failure(payload)
        logs.flush()
        cause = jsons.encode(failure.xray_cause(), ascii_only=True)
        lambda_runtime_client.post_invocation_error(invoke_id, jsons.encode_error(payload), cause, failure.error_type)
        return
    logs.flush()
    lambda_runtime_client.post_invocation_result(invoke_id, result, content_type)


def _unmarshal(content_type, body):
    if content_type != "application/json":
        return bytes(body)
    try:
        return jsons.decode(body)
    except Exception as e:
        raise faults.Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e) from None


def _marshal(result):
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return jsons.encode_result(result).encode("utf-8"), "application/json"
    except Exception as e:
        raise faults.Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e) from None


def _json_header(value, title):
    if not value:
        return None
    try:
        return jsons.decode(value.encode("utf-8"))
    except Exception as e:
        raise faults.Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (title, e)) from None
