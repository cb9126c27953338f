"""How an event is handled. What stands in this module counts: the runtime calls
handle_event_request as it finds it here, and its client is a LambdaRuntimeClient."""

import sys

from hearth_runtime import loop
from hearth_runtime.client import RuntimeClient as LambdaRuntimeClient
from hearth_runtime.handler import load
from hearth_runtime.loop import handle_event_request

from .lambda_context import LambdaContext

__all__ = ["LambdaContext", "LambdaRuntimeClient", "handle_event_request"]

loop.replaceable = sys.modules[__name__]


def _get_handler(handler):
    """Returns the function that a handler's name stands for."""
    return load(handler)
