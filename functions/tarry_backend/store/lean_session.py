"""HTTP for a client of AWS: a request is one write to a kept connection, and the e-mail parser reads no answer.

botocore's own session opens connections: so TLS, proxies, and the errors of connecting are its matter. A connection
that is open and idle in urllib3's pool is used here. What is not a usual request goes to botocore's session, what is
not a usual answer to ``http.client``:

    no open connection, a proxy, a body that is no bytes ──────────── botocore's session
    HTTP/1.1, one Content-Length, one line a header ───────────────── read here
    any other answer, such as a chunked one ───────────────────────── ``http.client``, from its first byte
"""

from __future__ import annotations

import ssl
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError, SSLError
from urllib3 import exceptions

from tarry_backend.store.lean_headers import AnswerHeaders

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

__all__ = ["LeanSession"]

_CHUNK = 262_144
_LONGEST_HEAD = 65_536
_END = b"\r\n\r\n"
_MOST = 16
"""The most URLs of one client. A JSON service has one, and one for each account."""

_NOT_HERE = frozenset({"expect", "transfer-encoding"})


class _Body:
    """A body that is read already, as ``AWSResponse.raw``."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield the body."""
        yield self._body


class _Response(AWSResponse):
    """An answer that is read already."""

    def __init__(self, url: str, status: int, headers: AnswerHeaders, body: bytes) -> None:
        self.url, self.status_code, self.raw = url, status, _Body(body)
        self.headers = headers  # type: ignore[assignment]
        self._body = body

    @property
    def content(self) -> bytes:
        """The body."""
        return self._body


class _SendError(Exception):
    """The request could not be written."""


class LeanSession:
    """A session in place of botocore's, over that one. Thread-safe.

    Raises:
        AttributeError: botocore or urllib3 is not as this was written for.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._pool_of = plain._manager.connection_from_url
        self._proxy_of = plain._proxy_config.proxy_url_for
        self._pools: dict[str, Any] = {}

    def close(self) -> None:
        """Close all connections."""
        self._pools.clear()
        self._plain.close()

    def send(self, request: Any) -> Any:
        """Send the request, and return its answer. It raises what botocore's session raises."""
        pool = self._pools.get(request.url)
        connection = None if pool is None or _is_unusual(request) else _open_connection(pool)
        if pool is None or connection is None:
            answer = self._plain.send(request)
            if pool is None and self._proxy_of(request.url) is None:
                self._remember(request.url)
            return answer
        head = _head(connection, request)
        if head is None:
            pool._put_conn(connection)
            return self._plain.send(request)
        return _exchange(pool, connection, request, head)

    def _remember(self, url: str) -> None:
        pool = self._pool_of(url)
        is_known = all(hasattr(pool, name) for name in ("_get_conn", "_put_conn", "timeout"))
        if is_known and len(self._pools) < _MOST:
            self._pools[url] = pool


def _is_unusual(request: Any) -> bool:
    context = request.context or {}
    return (
        request.stream_output
        or type(request.body) is not bytes
        or request.method != "POST"
        or context.get("read_timeout") is not None
    )


def _open_connection(pool: Any) -> Any:
    """Return an idle connection that is still open, or ``None``. The pool closes one that its server has closed."""
    try:
        connection = pool._get_conn(timeout=pool.timeout.connect_timeout)
    except exceptions.HTTPError:
        return None  # closed, or full: botocore's session says what is wrong
    if connection.sock is None:
        pool._put_conn(connection)
        return None
    return connection


def _exchange(pool: Any, connection: Any, request: Any, head: bytes) -> Any:
    """Write the request, and read its answer. The errors are those that botocore makes of urllib3's.

    A request that could not be written whole may have an answer all the same.
    """
    is_kept = False
    try:
        sock = connection.sock
        sock.settimeout(pool.timeout.connect_timeout)
        _write(sock, head + request.body)
        sock.settimeout(pool.timeout.read_timeout)
        answer, is_kept = _read(sock, request)
        return answer
    except (ssl.SSLError, exceptions.SSLError) as error:
        raise SSLError(endpoint_url=request.url, error=error) from error
    except (TimeoutError, exceptions.ReadTimeoutError) as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except (_SendError, OSError, HTTPException, exceptions.ProtocolError) as error:
        cause = error.__cause__ if isinstance(error, _SendError) else error
        raise ConnectionClosedError(error=cause, request=request, endpoint_url=request.url) from error
    except Exception as error:
        raise HTTPClientError(error=error) from error
    finally:
        if not is_kept:
            connection.close()
        pool._put_conn(connection)


def _write(sock: socket.socket, request: bytes) -> None:
    try:
        sock.sendall(request)
    except (BrokenPipeError, ConnectionResetError):
        pass  # a server may close after an early answer: it is still there to read, or its absence is the error
    except TimeoutError as error:
        raise _SendError from error


def _head(connection: Any, request: Any) -> bytes | None:
    """Return the request's head, or ``None`` if it has something of which ``http.client`` knows more."""
    url = request.url
    start = url.find("/", url.find("//") + 2)
    lines = [f"POST {url[start:] if start > 0 else '/'} HTTP/1.1"]
    named = set()
    for name, value in request.headers.items():
        named.add(name.lower())
        lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
    if "content-length" not in named or not named.isdisjoint(_NOT_HERE) or " " in url or "#" in url:
        return None
    if "host" not in named:
        lines.append(f"Host: {_host(connection)}")
    if "accept-encoding" not in named:
        lines.append("Accept-Encoding: identity")  # as ``http.client`` has it: no answer is compressed
    head = "\r\n".join(lines)
    if not head.isascii() or head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        return None
    return f"{head}\r\n\r\n".encode("ascii")


def _host(connection: Any) -> str:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    return host if connection.port == connection.default_port else f"{host}:{connection.port}"


def _read(sock: socket.socket, request: Any) -> tuple[Any, bool]:
    """Return the answer, and whether the connection can be kept."""
    read = _until_end_of_head(sock)
    end = read.find(_END)
    parsed = _parsed(read[:end]) if end >= 0 else None
    if parsed is None:
        from tarry_backend.store.book_answer import book_answer  # seldom needed

        return book_answer(request.url, read, sock), False
    status, headers, length, is_kept = parsed
    body = read[end + 4 :]
    if len(body) < length:
        body = _whole(sock, body, length)
    return _Response(request.url, status, headers, body[:length]), is_kept and len(body) == length


def _until_end_of_head(sock: socket.socket) -> bytes:
    """Read until the head is whole; then there may be a part of the body, too."""
    read = sock.recv(_CHUNK)
    while _END not in read and len(read) < _LONGEST_HEAD:
        if not (more := sock.recv(_CHUNK) if read else b""):
            break
        read += more
    if not read:
        raise RemoteDisconnected("Remote end closed connection without response")
    return read


def _whole(sock: socket.socket, body: bytes, length: int) -> bytes:
    """Read until there are ``length`` bytes, or the connection ends: botocore compares the checksum."""
    parts, missing = [body], length - len(body)
    while missing > 0 and (more := sock.recv(min(missing, _CHUNK))):
        parts.append(more)
        missing -= len(more)
    return b"".join(parts)


def _parsed(head: bytes) -> tuple[int, AnswerHeaders, int, bool] | None:
    """Return status, headers, length of the body, and whether the connection is kept; ``None`` if it is unusual."""
    status, *lines = head.decode("latin-1").split("\r\n")
    code = status[9:12]
    if not (status.startswith("HTTP/1.1 ") and len(code) == 3 and code.isdecimal() and status[12:13] in ("", " ")):
        return None
    if code[0] not in "245" or code == "204":
        return None
    headers = AnswerHeaders()
    for line in lines:
        name, colon, value = line.partition(":")
        if not (colon and name and line.isascii() and line.isprintable()) or " " in name or value.endswith(" "):
            return None
        if name in headers:
            return None
        headers[name] = value.lstrip(" ")
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers:
        return None
    return int(code), headers, int(length), headers.get("connection", "keep-alive").lower() == "keep-alive"
