"""What goes wrong: the runtime's own faults, and the payloads of errors."""

import os
import sys

_OURS = os.path.dirname(os.path.abspath(__file__))
_BOOTSTRAP = os.path.join(os.path.dirname(_OURS), "bootstrap.py")


class Fault(Exception):
    """An error that the runtime itself finds, with AWS's type and message."""

    def __init__(self, error_type, message, stack=()):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.stack = list(stack)


class Failure:
    """How an invocation or the init phase failed, ready to be reported."""

    def __init__(self, error_type, message, stack, frames):
        self.error_type = error_type
        self.message = message
        self.stack = stack  # formatted lines
        self._frames = frames  # (file, line, function, source line)

    def payload(self, request_id=""):
        """The JSON object that the caller sees; the order of its keys is AWS's."""
        return {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id,
            "stackTrace": self.stack,
        }

    def xray_cause(self):
        frames = [{"label": f[2], "path": f[0], "line": f[1]} for f in self._frames]
        return {
            "working_directory": os.getcwd(),
            "exceptions": [{"message": self.message, "type": self.error_type, "stack": frames}],
            "paths": sorted({f[0] for f in self._frames}),
        }


def current():
    """Describes the exception that is being handled. The frames of the runtime
    itself are left out, unless there are no others."""
    kind, value, trace = sys.exc_info()
    if isinstance(value, Fault):
        return Failure(value.error_type, value.message, value.stack, [])
    import traceback

    frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(trace)]
    for i, frame in enumerate(frames):
        if not _is_ours(frame[0]):
            frames = frames[i:]
            break
    return Failure(kind.__name__, str(value), traceback.format_list(frames), frames)


def _is_ours(filename):
    return filename == _BOOTSTRAP or os.path.dirname(filename) == _OURS
