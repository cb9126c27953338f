"""JSON of events and results, as AWS's runtime reads and writes it.

The json module takes longer to import than a small function runs, and all the
work is done by its C half. That half is used directly where it is as expected;
json itself is imported for everything else, errors among them.
"""

import os
import sys

# AWS's runtimes escape what is not ASCII up to 3.11.
_ASCII = os.environ.get("AWS_EXECUTION_ENV", "") in ["AWS_Lambda_python3.%d" % minor for minor in range(6, 12)]

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:
    make_scanner = make_encoder = None

_CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _ScannerOptions:
    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__
    memo = {}


_scan = make_scanner(_ScannerOptions) if make_scanner else None


def decode(body):
    """Parses a body in UTF-8. Raises ValueError with json's words."""
    text = str(body, "utf-8")
    if _scan is not None:
        stripped = text.strip(" \t\r\n")
        try:
            value, end = _scan(stripped, 0)
            if end == len(stripped):
                return value
        except Exception:  # which one depends on the version; json has the words
            pass
    import json

    return json.loads(text)


def encode_error(payload):
    """Serialises an error's payload, whatever its texts contain."""
    return encode_result(payload).encode("utf-8", "replace")


def encode_result(value):
    """Serialises as encode does, with the escapes of AWS's runtime of this version."""
    return encode(value, _ASCII)


def encode_log(value):
    """Serialises a log record. What is not JSON becomes text."""
    return _encode(value, str, False)


def encode(value, ascii_only=False):
    """Serialises a result to str. Decimals become numbers, bytes text, named tuples
    objects, and NaN is written as such, as AWS's runtime does. Raises TypeError
    or ValueError with json's words."""
    decimals = {}
    if _has_named_tuple(value):
        value = _without_named_tuples(value)

    def default(obj):
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(obj, decimal.Decimal):
            if obj.is_nan():
                return _CONSTANTS["NaN"]
            return _placeholder(decimals, str(obj))
        if isinstance(obj, bytes):
            return str(obj, "utf-8")
        if callable(getattr(obj, "_asdict", None)):
            return obj._asdict()
        raise TypeError("Object of type %s is not JSON serializable" % type(obj).__name__)

    text = _encode(value, default, ascii_only)
    for mark, number in decimals.items():
        text = text.replace('"' + mark + '"', number)
    return text


def _encode(value, default, ascii_only):
    if make_encoder is not None:
        escape = encode_basestring_ascii if ascii_only else encode_basestring
        try:
            encoder = make_encoder({}, default, escape, None, ": ", ", ", False, False, True)
        except TypeError:  # another Python's C half
            encoder = None
        if encoder is not None:
            return "".join(encoder(value, 0))
    import json

    return json.JSONEncoder(ensure_ascii=ascii_only, default=default).encode(value)


_PLAIN = frozenset([str, int, float, bool, type(None)])


def _has_named_tuple(value):
    """Looks before encoding, as the encoder writes every tuple as an array and
    asks nobody. Most results have few containers, and plain ones cost little."""
    seen, stack = set(), [value]
    while stack:
        value = stack.pop()
        if not isinstance(value, (dict, list, tuple)):
            continue
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return True
        if id(value) in seen:
            continue
        seen.add(id(value))
        items = value.values() if isinstance(value, dict) else value
        if not _PLAIN.issuperset(map(type, items)):
            stack.extend(items)
    return False


def _without_named_tuples(value):
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _without_named_tuples(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_named_tuples(item) for item in value]
    return value


def _placeholder(decimals, number):
    # The encoder cannot be made to write a bare number, so it writes a string
    # that no other value contains, and the quotes go away afterwards.
    mark = "decimal-" + os.urandom(16).hex()
    decimals[mark] = number
    return mark
