"""The function of the tests of stock clients: events say what it is to do."""
import os
import pathlib

RELEASE = 1  # a second archive has 2


def handler(event, context):
    match event["do"]:
        case "say":
            print("said", event["word"])
            return {"release": RELEASE, "word": event["word"]}
        case "fail":
            raise ValueError("no such thing")
        case "settings":
            return [os.environ.get("COLOUR"), context.memory_limit_in_mb, context.function_version]
        case "layer":
            return pathlib.Path("/opt/word").read_text()
    raise LookupError(event["do"])


def stream(event, context):
    yield "first "
    yield "second"
