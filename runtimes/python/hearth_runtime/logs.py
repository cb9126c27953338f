"""Standard streams, error lines, and the root logger's handler."""

import io
import os
import sys
import time

from . import jsons

JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


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


def log_failure(payload):
    """Writes an error payload to the log: one line, \\r between its parts."""
    if JSON:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        entry = {"timestamp": now, "level": "ERROR"}
        entry.update(payload)
        sys.stdout.write(jsons.encode(entry) + "\n")
        return
    head = " ".join(["[ERROR]", payload["errorType"]]).rstrip()
    if payload["errorMessage"]:
        head += (": " if payload["errorType"] else " ") + payload["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for element in payload["stackTrace"]:
        lines.extend(_indent(line) for line in element.splitlines())
    sys.stdout.write("\r".join(lines) + "\n")


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
