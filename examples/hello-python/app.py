import os
import platform
import uuid

# Set once per execution environment: the same over warm invocations.
ENVIRONMENT = str(uuid.uuid4())


def handler(event, context):
    name = event.get("name", "world")
    print(f"greeting {name}")
    return {
        "message": f"{os.environ['GREETING']}, {name}, from Python {platform.python_version()}",
        "requestId": context.aws_request_id,
        "environment": ENVIRONMENT,
        "millisecondsLeft": context.get_remaining_time_in_millis(),
    }
