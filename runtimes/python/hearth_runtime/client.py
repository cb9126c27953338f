"""The Runtime API over one kept-alive connection."""

import _socket

from . import jsons

_BASE = b"/2018-06-01/runtime/"
_LARGE = 1 << 16  # bodies above this are not copied behind their head
_CONTROLS = dict.fromkeys([*range(32), 127], " ")  # what a header must not contain
_MAX_HEAD = 8 << 20  # a client context may be large; an endless head is an error


class RuntimeApiError(Exception):
    """The Runtime API broke off, or gave an answer that no runtime can go on from."""


class _Stale(Exception):
    """A kept-alive connection was closed before the response began."""


class RuntimeClient:
    """Requests follow one another; none has a timeout, as a frozen process
    must find its long poll alive."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._host = b"\r\nHost: " + address.encode("ascii") + b"\r\n"
        self._socket = None
        self._pending = b""

    def next_invocation(self):
        """Waits for an event; returns its headers, lower-case names, and its body."""
        status, headers, body = self._request(b"GET", b"invocation/next")
        if status != 200:
            raise RuntimeApiError("next invocation: status %d: %s" % (status, bytes(body[:512])))
        return headers, body

    # The methods named post_* and their parameters are those of AWS's client:
    # libraries wrap them, see awslambdaric.

    def post_invocation_result(self, invoke_id, result_data, content_type="application/json"):
        path = b"invocation/" + invoke_id.encode("ascii") + b"/response"
        self._post(path, result_data, {"Content-Type": content_type})

    def begin_response(self, request_id, content_type):
        """Returns an Upload, which has the connection until its end."""
        head = self._head(
            b"POST",
            b"invocation/" + request_id.encode("ascii") + b"/response",
            {
                "Content-Type": content_type,
                "Lambda-Runtime-Function-Response-Mode": "streaming",
                "Transfer-Encoding": "chunked",
                "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
            },
        )
        if self._socket is None:
            self._connect()
        return Upload(self, head + b"\r\n")

    def post_invocation_error(self, invoke_id, error_response_data, xray_fault, error_type="Unhandled"):
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error_type}
        if len(xray_fault) < 1 << 20:
            headers["Lambda-Runtime-Function-XRay-Error-Cause"] = xray_fault
        self._post(b"invocation/" + invoke_id.encode("ascii") + b"/error", error_response_data, headers)

    def post_init_error(self, error_response_data, error_type_override=None):
        """error_response_data is the error as an object."""
        error_type = error_type_override or error_response_data["errorType"]
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error_type}
        self._post(b"init/error", jsons.encode_error(error_response_data), headers)

    def _post(self, path, body, headers):
        if isinstance(body, str):
            body = body.encode("utf-8", "replace")
        status, _, answer = self._request(b"POST", path, body, headers)
        self._check(path, status, answer)

    def _check(self, path, status, answer):
        # 400: the invocation is over, 413: the platform has told the caller.
        # Either way the next event is what remains to do.
        if status not in (202, 400, 410, 413):
            raise RuntimeApiError("%s: status %d: %s" % (path.decode(), status, bytes(answer[:512])))

    def _request(self, method, path, body=b"", headers=None):
        head = self._head(method, path, headers or {})
        if method == b"POST":
            head += b"Content-Length: %d\r\n" % len(body)
        head += b"\r\n"
        reused = self._socket is not None
        try:
            return self._exchange(head, body)
        except _Stale:
            if not reused:
                raise RuntimeApiError("the Runtime API closed the connection")
        try:
            return self._exchange(head, body)
        except _Stale:
            raise RuntimeApiError("the Runtime API closed the connection twice")

    def _head(self, method, path, headers):
        head = bytearray(method + b" " + _BASE + path + b" HTTP/1.1" + self._host)
        for name, value in headers.items():
            head += name.encode("ascii") + b": " + value.translate(_CONTROLS).encode("utf-8", "replace") + b"\r\n"
        return head

    def _exchange(self, head, body):
        if self._socket is None:
            self._connect()
        try:
            if len(body) > _LARGE:
                self._socket.sendall(head)
                self._socket.sendall(body)
            else:
                self._socket.sendall(head + body)
            return self._receive()
        except ConnectionError as e:
            self._close()
            raise _Stale from e
        except BaseException:
            self._close()  # what follows on this connection belongs to nobody
            raise

    def _receive(self):
        status, headers = self._read_head()
        while status < 200:
            status, headers = self._read_head()
        body = self._read_body(headers)
        if headers.get("connection", "").lower() == "close":
            self._close()
        return status, headers, body

    def _connect(self):
        family = _socket.AF_INET6 if ":" in self._address[0] else _socket.AF_INET
        sock = _socket.socket(family, _socket.SOCK_STREAM)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        sock.connect(self._address)
        self._socket, self._pending = sock, b""

    def _close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket, self._pending = None, b""

    def _read_head(self):
        data = self._pending
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(data) > _MAX_HEAD:
                raise RuntimeApiError("response head is too long")
            more = self._socket.recv(_LARGE)
            if not more:
                if data:
                    raise RuntimeApiError("response head breaks off")
                self._close()
                raise _Stale
            data += more
        self._pending = data[end + 4 :]
        lines = data[:end].decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        try:
            return int(lines[0].split(" ", 2)[1]), headers
        except (IndexError, ValueError):
            raise RuntimeApiError("response is not HTTP: %r" % lines[0][:80])

    def _read_body(self, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self._read_exactly(int(headers.get("content-length", "0")))

    def _read_exactly(self, size):
        have = self._pending
        if len(have) >= size:
            self._pending = have[size:]
            return have[:size]
        body = bytearray(size)
        body[: len(have)] = have
        self._pending = b""
        view, at = memoryview(body), len(have)
        while at < size:
            got = self._socket.recv_into(view[at:])
            if got == 0:
                raise RuntimeApiError("response breaks off")
            at += got
        return body

    def _read_chunks(self):
        body = bytearray()
        while True:
            size = int(self._read_line().split(b";")[0], 16)
            if size == 0:
                while self._read_line():  # trailers
                    pass
                return body
            body += self._read_exactly(size)
            self._read_line()

    def _read_line(self):
        while b"\r\n" not in self._pending:
            more = self._socket.recv(_LARGE)
            if not more:
                raise RuntimeApiError("response breaks off")
            self._pending += more
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line


class Upload:
    """A response whose body is sent piece by piece. Pieces that the Runtime API
    does not take any more are dropped: the invocation is over."""

    def __init__(self, client, head):
        self._client = client
        self._head = head  # sent with the first piece
        self._lost = False

    def write(self, piece):
        if piece:
            self._send(b"%x\r\n" % len(piece), piece, b"\r\n")

    def end(self, error_type="", error_body=b""):
        """Ends the body, with trailers when there was an error, and reads the answer."""
        trailers = b""
        if error_type:
            import binascii

            trailers = b"Lambda-Runtime-Function-Error-Type: %s\r\nLambda-Runtime-Function-Error-Body: %s\r\n" % (
                error_type.translate(_CONTROLS)[:256].encode("ascii", "replace"),
                binascii.b2a_base64(error_body, newline=False),
            )
        self._send(b"0\r\n", trailers, b"\r\n")
        if self._lost:
            return
        client = self._client
        try:
            status, _, answer = client._receive()
        except (ConnectionError, _Stale):
            client._close()
            return
        except BaseException:
            client._close()
            raise
        client._check(b"response", status, answer)

    def _send(self, before, piece, after):
        if self._lost:
            return
        head, self._head = self._head, b""
        try:
            if len(piece) > _LARGE:
                self._client._socket.sendall(head + before)
                self._client._socket.sendall(piece)
                self._client._socket.sendall(after)
            else:
                self._client._socket.sendall(head + before + piece + after)
        except ConnectionError:
            self._client._close()
            self._lost = True
