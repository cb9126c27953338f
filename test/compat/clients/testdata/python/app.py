"""The function of the tests of awslambdaric; contract_test.go says what the
events ask for."""
import logging
import os
import sys
import time

calls = 0


class Refusal(Exception):
    pass


def handler(event, context):
    global calls
    calls += 1
    return actions[event["do"]](event, context)


def describe(event, context):
    return {
        "requestId": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "version": context.function_version,
        "memory": int(context.memory_limit_in_mb),
        "logGroup": context.log_group_name,
        "logStream": context.log_stream_name,
        "remaining": context.get_remaining_time_in_millis(),
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "custom": context.client_context and context.client_context.custom,
    }


def log(event, context):
    print("to standard output")
    print("to standard error", file=sys.stderr)
    logging.getLogger().warning("to the logger")


def pieces(event, context):
    for piece in (event["value"] + " begins its %s", ", goes on", ", and ends\n"):
        for stream, name in ((sys.stdout, "output"), (sys.stderr, "errors")):
            stream.write(piece % name if "%" in piece else piece)
            stream.flush()
        time.sleep(0.2)


def fail(event, context):
    raise Refusal("no such thing" + "!" * event.get("size", 0))


def sleep(event, context):
    time.sleep(event["size"] / 1000)
    return event.get("value")


actions = {
    "return": lambda event, context: event["value"],
    "make": lambda event, context: "x" * event["size"],
    "count": lambda event, context: calls,
    "context": describe,
    "log": log,
    "lines": lambda event, context: logging.getLogger().warning("one\ntwo"),
    "pieces": pieces,
    "fail": fail,
    "sleep": sleep,
    "unserializable": lambda event, context: object(),
    "exit": lambda event, context: os._exit(3),
}
