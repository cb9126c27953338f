import json
import os


def handler(event, context):
    if not isinstance(event, dict):
        return event
    if "raise" in event:
        raise ValueError(event["raise"])
    if "env" in event:
        return os.environ.get(event["env"])
    if "exit" in event:
        os._exit(event["exit"])
    if "sleep" in event:
        import time

        time.sleep(event["sleep"])
    if "size" in event:
        return "x" * event["size"]
    if "context" in event:
        return {
            "arn": context.invoked_function_arn,
            "version": context.function_version,
            "client": context.client_context and context.client_context.custom,
        }
    if "print" in event:
        print(event["print"])
        return None
    return event
