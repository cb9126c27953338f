"""Standard streams, framed log events, error lines, and the root logger's handler."""

import _thread
import io
import os
import sys
import time

from . import jsons

JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


# Where log events go as frames; without it they are lines of stdout. Function
# code and its children are not to find it.
_FRAMES = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", "")
_FRAMES = int(_FRAMES) if _FRAMES.isdigit() else None
_TURN = _thread.allocate_lock()  # a frame is whole


# Where a process with siblings finds logs of its own.
_SOCKET = os.environ.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET")


def part():
    """Parts this process's logs from its siblings', whose lines and frames
    would mix with its own."""
    if not _SOCKET:
        return
    import _socket  # which few functions need

    for fd in (1, 2) if _FRAMES is None else (1, 2, _FRAMES):
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.connect(_SOCKET)
        os.dup2(connection.fileno(), fd)
        connection.close()


class _Invocation:
    """What log lines say about the invocation that runs."""

    request_id = ""
    tenant_id = None


invocation = _Invocation()


class _Unbuffered(io.TextIOWrapper):
    """Hands on every write at once: the process may be killed or frozen after
    any of them."""

    def write(self, text):
        written = super().write(text)
        self.flush()
        return written


def take_streams():
    """Makes stdout and stderr UTF-8 and unbuffered."""
    sys.stdout = sys.__stdout__ = _unbuffered(sys.stdout, "surrogateescape")
    sys.stderr = sys.__stderr__ = _unbuffered(sys.stderr, "backslashreplace")


def _unbuffered(stream, errors):
    if stream is None:  # started with the descriptor closed
        return None
    return _Unbuffered(stream.detach(), encoding="utf-8", errors=errors)


def flush():
    """Writes what function code left in the streams' byte buffers."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # function code replaced it, or closed it
            pass


_ERROR = 40  # logging.ERROR, which is not imported for it


def emit(text, levelno):
    """Writes one event, whose text ends with a newline; levels are logging's."""
    if _FRAMES is None:
        sys.stdout.write(text)
        return
    level = min(50, max(0, levelno)) // 10
    kind = 0xA55A0002 | (level + 1 if level else 0) << 2
    if not JSON:
        kind |= 1
    data = text.encode("utf-8", "backslashreplace")
    data = b"".join(
        (
            kind.to_bytes(4, "big"),
            len(data).to_bytes(4, "big"),
            (time.time_ns() // 1000).to_bytes(8, "big"),
            data,
        )
    )
    with _TURN:
        while data:
            data = data[os.write(_FRAMES, data) :]


def log_failure(payload):
    """Writes an error payload to the log as one event. Where events are lines
    there is \\r between its parts."""
    if JSON:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        entry = {"timestamp": now, "level": "ERROR"}
        entry.update(payload)
        emit(jsons.encode(entry) + "\n", _ERROR)
        return
    head = " ".join(["[ERROR]", payload["errorType"]]).rstrip()
    if payload["errorMessage"]:
        head += (": " if payload["errorType"] else " ") + payload["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for element in payload["stackTrace"]:
        lines.extend(_indent(line) for line in element.splitlines())
    emit(("\r" if _FRAMES is None else "\n").join(lines) + "\n", _ERROR)


def _indent(line):
    # Log viewers trim spaces; AWS writes no-break spaces.
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text


def watch_logging():
    """Installs the root handler as soon as logging is imported by anybody."""
    if "logging" in sys.modules:
        from . import logger

        logger.install()
    else:
        sys.meta_path.insert(0, _LoggingFinder())


class _LoggingFinder:
    """Steps aside at the first import of logging, and adds to its loading."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _LoggingLoader(spec.loader)
                return spec
        return None


class _LoggingLoader:
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        from . import logger

        logger.install()
