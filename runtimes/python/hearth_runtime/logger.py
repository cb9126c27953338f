"""The handler of the root logger: imported once logging is."""

import logging
import os
import time
import traceback

from . import jsons, logs

# Attributes of every record; others were given by the caller as extra.
_STANDARD = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName "
    "created msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)


class LambdaLoggerHandler(logging.Handler):
    def emit(self, record):
        logs.emit(self.format(record), record.levelno)


class LambdaLoggerFilter(logging.Filter):
    """Adds the invocation to each record, for any formatter to use."""

    def filter(self, record):
        record.aws_request_id = logs.invocation.request_id
        record.tenant_id = logs.invocation.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record):
        level = min(50, max(0, record.levelno)) // 10 * 10
        whole = isinstance(record.msg, dict) and not record.args
        entry = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": logging.getLevelName(level),
            "message": record.msg if whole else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            kind, value, trace = record.exc_info
            entry["stackTrace"] = traceback.format_tb(trace)
            entry["errorType"] = kind.__name__ if kind else None
            entry["errorMessage"] = str(value)
        entry["requestId"] = getattr(record, "aws_request_id", None)
        if record.exc_info:
            entry["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        entry["tenantId"] = getattr(record, "tenant_id", None)
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name not in entry:
                entry[name] = value
        entry = {name: value for name, value in entry.items() if value is not None}
        try:
            return jsons.encode_log(entry) + "\n"
        except (TypeError, ValueError):  # a key that is no text, or a circle
            return jsons.encode_log({name: str(value) for name, value in entry.items()}) + "\n"


def install():
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    if logs.JSON:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
                "%Y-%m-%dT%H:%M:%S",
            )
        )
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)
