"""HTTP/1.1 connections that write a request at once and read an answer's head without the e-mail parser.

urllib3's pool has them in place of botocore's own: connecting, TLS, timeouts, the check of a kept connection, and each
error are the pool's as before. What is not the usual request or answer goes to the plain code, byte by byte:

    request     a body of bytes, no header of two lines ──────── one write        else botocore's ``request``
    answer      HTTP/1.1, a Content-Length, plain headers ────── read here        else ``http.client``, from its first byte
"""

from __future__ import annotations

import io
from http.client import HTTPResponse as BookResponse
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3 import HTTPHeaderDict, HTTPResponse

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

__all__ = ["POOLS"]

_CHUNK = 262_144
_LONGEST_HEAD = 65_536
_END = b"\r\n\r\n"


class _Answer(HTTPResponse):
    """A whole answer. urllib3's pool sees a response of its own, whose body is read already."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(body, headers, status, preload_content=False, decode_content=False, version=11)
        self._whole = body

    def stream(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body, and give the connection back to its pool."""
        body, self._whole = self._whole, b""
        self.release_conn()
        if body:
            yield body

    def read(self, *_: Any, **__: Any) -> bytes:
        """Return the body."""
        return b"".join(self.stream())


class _Rewound(io.RawIOBase):
    """The bytes that were read of an answer, and then what the socket still has."""

    def __init__(self, read: bytes, rest: socket.socket) -> None:
        self._read = memoryview(read)
        self._rest = rest

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return a file that ``http.client`` reads."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; 0 at the end."""
        if not self._read:
            return self._rest.recv_into(buffer)
        size = min(len(buffer), len(self._read))
        buffer[:size] = self._read[:size]
        self._read = self._read[size:]
        return size

    def close(self) -> None:
        """Close the socket as well."""
        super().close()
        self._rest.close()


class _Lean:
    """A connection's ``request`` and ``getresponse``, lean."""

    _method: str | None = None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        """Write the request, head and body at once."""
        connection: Any = self
        head = None if options.get("chunked") or method == "HEAD" else _head(connection, method, url, body, headers)
        if head is None:
            self._method = None
            super().request(method, url, body, headers, **options)  # type: ignore[misc]
            return
        self._method = method
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(connection.timeout)
        connection.sock.sendall(head + body if body else head)

    def getresponse(self) -> Any:
        """Read the answer, head and body. Errors of the socket are the pool's matter."""
        connection: Any = self
        if self._method is None:
            return super().getresponse()  # type: ignore[misc]
        connection.sock.settimeout(connection.timeout)
        read = _until_end_of_head(connection.sock)
        end = read.find(_END)
        head = _parsed(read[:end]) if end >= 0 else None
        if head is None:
            return self._by_the_book(read)
        status, headers, length, closes = head
        body = read[end + 4 :]
        if len(body) < length:
            body = _whole(connection.sock, body, length)
        if closes or len(body) != length:  # cut off, or more than announced: this connection cannot be kept
            connection.close()
        return _Answer(status, headers, body[:length])

    def _by_the_book(self, read: bytes) -> HTTPResponse:
        """Let ``http.client`` read the answer from its first byte. The pool gets its connection back closed."""
        connection: Any = self
        rest, connection.sock = connection.sock, None
        response = BookResponse(_Rewound(read, rest), method=self._method)  # type: ignore[arg-type]
        response.begin()
        return HTTPResponse(
            body=response,  # type: ignore[arg-type]
            headers=HTTPHeaderDict(response.msg.items()),
            status=response.status,
            version=response.version,
            reason=response.reason,
            preload_content=False,
            decode_content=False,
            original_response=response,
            enforce_content_length=False,
            request_method=self._method,
        )


def _head(connection: Any, method: str, url: str, body: Any, headers: Mapping[str, Any]) -> bytes | None:
    """Return the request's head, or ``None`` if it is not for the lean road."""
    if not isinstance(body, bytes):
        return None
    lines = [f"{method} {url} HTTP/1.1"]
    named = set()
    for name, value in headers.items():
        named.add(name.lower())
        lines.append(f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}")
    if "content-length" not in named or not named.isdisjoint({"expect", "transfer-encoding"}):
        return None
    if "host" not in named:
        lines.append(f"Host: {_host(connection)}")
    if "accept-encoding" not in named:
        lines.append("Accept-Encoding: identity")  # as ``http.client`` has it: no answer is compressed
    if not all(line.isascii() and line.isprintable() for line in lines) or " " in url:
        return None
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _host(connection: Any) -> str:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    return host if connection.port == connection.default_port else f"{host}:{connection.port}"


def _until_end_of_head(sock: socket.socket) -> bytes:
    """Read until the head is whole; then there may be a part of the body, too."""
    read = b""
    while _END not in read and len(read) < _LONGEST_HEAD:
        more = sock.recv(_CHUNK)
        if not more:
            if not read:
                raise RemoteDisconnected("Remote end closed connection without response")
            break
        read += more
    return read


def _whole(sock: socket.socket, body: bytes, length: int) -> bytes:
    """Read until there are ``length`` bytes, or the connection ends: botocore looks at the checksum."""
    parts, missing = [body], length - len(body)
    while missing > 0 and (more := sock.recv(min(missing, _CHUNK))):
        parts.append(more)
        missing -= len(more)
    return b"".join(parts)


def _parsed(head: bytes) -> tuple[int, dict[str, str], int, bool] | None:
    """Return status, headers, length of the body, and whether the connection closes; ``None`` if it is unusual."""
    status, *lines = head.decode("latin-1").split("\r\n")
    code = status[9:12]
    if not (status.startswith("HTTP/1.1 ") and status[12:13] in ("", " ") and code.isdecimal() and status.isascii()):
        return None
    headers: dict[str, str] = {}
    lengths, closes = [], False
    for line in lines:
        name, colon, value = line.partition(":")
        if not (colon and line.isascii() and line.isprintable()) or " " in name or not name or value.endswith(" "):
            return None
        value = value.lstrip(" ")
        match name.lower():
            case "content-length":
                lengths.append(value)
            case "connection":
                closes = value.lower() != "keep-alive"
            case "transfer-encoding":
                return None
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if len(lengths) != 1 or not lengths[0].isdecimal() or code == "204" or not (code[0] in "245" and len(code) == 3):
        return None
    if len({name.lower() for name in headers}) != len(headers):
        return None
    return int(code), headers, int(lengths[0]), closes


class _Connection(_Lean, AWSHTTPConnection):
    """A lean connection without TLS."""


class _TlsConnection(_Lean, AWSHTTPSConnection):
    """A lean connection with TLS."""


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
"""urllib3's classes of pools, by the scheme of a URL."""
