"""Streamed responses: handlers that yield.

This is an extension of hearth's. AWS's Python runtime has no streaming, and
fails with Runtime.MarshalError when a handler returns a generator.

A handler yields bytes or str, and each piece is sent at once. It may first yield
a dict, which is the prelude of an HTTP response: statusCode, headers, cookies.
"""

from . import faults, jsons, logs

_DEFAULT_TYPE = "application/octet-stream"
_HTTP_TYPE = "application/vnd.awslambda.http-integration-response"
_MAX_TRAILER = 2048  # bytes of an error's JSON; the trailers together stay below 4 KB


def send(client, request_id, pieces):
    """Sends what a generator yields. An exception that it raises before its first
    piece is the caller's; later ones end the response."""
    first = next(pieces, b"")
    logs.flush()
    if isinstance(first, dict):
        first = jsons.encode(first).encode("utf-8") + bytes(8)
        upload_type = _HTTP_TYPE
    else:
        first, upload_type = _content(first), _DEFAULT_TYPE
    upload = client.begin_response(request_id, upload_type)
    try:
        upload.write(first)
        for piece in pieces:
            upload.write(_content(piece))
    except Exception:
        failure = faults.current()
        payload = failure.payload(request_id)
        logs.log_failure(payload)
        logs.flush()
        upload.end(failure.error_type, _brief(payload))
        return
    logs.flush()
    upload.end()


def _content(piece):
    if isinstance(piece, str):
        return piece.encode("utf-8")
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    raise faults.Fault(
        "Runtime.MarshalError",
        "Unable to marshal response: a handler that streams yields bytes or str, not %s" % type(piece).__name__,
    )


def _brief(payload):
    """An error's JSON in at most _MAX_TRAILER bytes: without the stack trace, and
    the end of the message, if need be."""
    for shorter in ({}, {"stackTrace": []}, {"stackTrace": [], "errorMessage": payload["errorMessage"][: _MAX_TRAILER // 8]}):
        text = jsons.encode({**payload, **shorter}, ascii_only=True).encode("ascii")
        if len(text) <= _MAX_TRAILER:
            break
    return text
