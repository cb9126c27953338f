"""The client of the Runtime API."""

from hearth_runtime.client import RuntimeApiError as LambdaRuntimeClientError
from hearth_runtime.client import RuntimeClient as LambdaRuntimeClient

__all__ = ["LambdaRuntimeClient", "LambdaRuntimeClientError"]
