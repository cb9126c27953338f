"""An internal extension without events has the function told of its end."""

import signal
import sys

import lambda_sigterm


def end(*_):
    print("told of the end")
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
lambda_sigterm.register()


def handler(event, context):
    return {"id": context.aws_request_id}
