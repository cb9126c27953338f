"""Sentry reports on every invocation."""

import time

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration

sentry_sdk.init(
    dsn="http://key@127.0.0.1:9999/42",
    integrations=[AwsLambdaIntegration(timeout_warning=True)],
    traces_sample_rate=1.0,
)


def handler(event, context):
    if event.get("fail"):
        raise ValueError("no such thing")
    if event.get("sleep"):
        time.sleep(60)
    return {"id": context.aws_request_id}
