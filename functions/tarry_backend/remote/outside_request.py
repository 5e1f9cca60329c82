"""A request that the executor makes in an app's place: to an AI model, or to any service. It does I/O."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, LocationParseError

from tarry_backend.remote.answers import Answer, AppError
from tarry_backend.remote.transport import exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.remote.ops import Gateway

__all__ = ["outside_answer"]

_HOPS = 10
"""The most redirects that are followed."""

_MOVED = frozenset({301, 302, 303, 307, 308})

_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""The headers that go along to another host: any other one may be a secret of the first."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_ON_LAMBDA = "AWS_LAMBDA_RUNTIME_API"


def outside_answer(op: Gateway, patience: float) -> Answer:
    """Make the request, within ``patience`` seconds. An AI model's provider is asked at its own address only.

    Raises:
        AppError: There is no answer. The text has no header's value, and no query: there may be a key in them.
    """
    body = op.body if isinstance(op.body, str | None) else json.dumps(op.body, ensure_ascii=False)
    data = None if body is None else body.encode(errors="replace")
    return _followed(op, _sendable(op.headers), data, time.monotonic() + patience)


def _followed(op: Gateway, headers: dict[str, str], body: bytes | None, until: float) -> Answer:
    """Ask, and follow redirects, as ``fetch`` does: 303 is asked by GET, 301 and 302 too where it was a POST."""
    method, url = op.method, op.url
    for _ in range(_HOPS + 1):
        answer = _one(method, url, headers, body, until)
        moved = answer.headers.get("location")
        if op.is_model or answer.status not in _MOVED or not moved:
            return answer
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
        following = urljoin(url, moved)
        if _origin(following) != _origin(url):
            headers = {name: value for name, value in headers.items() if name in _HARMLESS}
        url = following
    raise AppError(f"{_place(op.url)}: more than {_HOPS} redirects")


def _one(method: str, url: str, headers: Mapping[str, str], body: bytes | None, until: float) -> Answer:
    if _origin(url)[0] not in ("http", "https"):
        raise AppError(f"the address {_place(url)!r} is neither http:// nor https://")
    try:
        return exchange(_pool, method, url, headers, body, until)
    except LocationParseError as error:
        raise AppError(f"the address {_place(url)!r} cannot be read") from error
    except (HTTPError, OSError, ValueError) as error:
        raise AppError(f"{_place(url)}: no answer ({type(error).__name__}: {str(error)[:300]})") from error
    except AppError as error:
        raise AppError(f"{_place(url)}: {error}") from error


def _sendable(given: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without the blanks around their values: a key that was read from a file ends with a newline.

    The library below would show a value that it refuses.
    """
    headers = {name: value.strip() for name, value in given.items()}
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise AppError(f"a header has the name {name[:80]!r}, which HTTP does not allow")
        if _CONTROL.search(value) or not value.isascii():
            raise AppError(f"the header {name!r} has a character that HTTP does not allow; its value is not shown")
    return {"connection": "close", **headers}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        raise AppError(f"the address {_place(url)!r} cannot be read") from error


def _place(url: str) -> str:
    """The address without its user and its query, in which there may be a key."""
    scheme, slashes, rest = url.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"[:200] if slashes else scheme[:40]


def _check_peer(connection: HTTPConnection) -> None:
    """Refuse the Lambda's own machine: an app could act in the Lambda's name through the runtime there.

    The check reads the address to which the socket has connected. So a DNS name cannot get around it.
    """
    assert connection.sock is not None
    peer = ipaddress.ip_address(str(connection.sock.getpeername()[0]).partition("%")[0])
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    if (mapped or peer).is_loopback or (mapped or peer).is_link_local or (mapped or peer).is_unspecified:
        connection.close()
        raise AppError(f"the address {peer} is the executor's own machine, which no app may ask")


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        if _ON_LAMBDA in os.environ:
            _check_peer(self)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS: its ``super().connect()`` is that of ``HTTPSConnection``."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _pools() -> urllib3.PoolManager:
    manager: Any = urllib3.PoolManager(num_pools=20, maxsize=20, retries=False)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    made: urllib3.PoolManager = manager
    return made


_pool = _pools()
