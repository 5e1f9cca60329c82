"""Signature Version 4 of a request as botocore makes it, with headers that are a dict and a key that is kept.

botocore holds a request's headers in an e-mail message, and derives the day's signing key with each request.
"""

from __future__ import annotations

import hmac
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials

from tarry_backend.store.lean_headers import RequestHeaders

__all__ = ["LEAN_V4", "choose_signer", "lighten", "prove"]

LEAN_V4 = "tarry-v4"
"""The name under which botocore finds the signer below."""

_UNSIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)
_PORTS = {"http": 80, "https": 443}


class _LeanSigV4(SigV4Auth):
    """botocore's signer over light headers. It decides as before what is signed and when."""

    def __init__(self, credentials: Any, service_name: str, region_name: str, **more: Any) -> None:
        super().__init__(credentials, service_name, region_name, **more)
        self._scope = region_name, service_name

    _covered: tuple[Any, RequestHeaders] | None = None

    def headers_to_sign(self, request: Any) -> Any:
        """Return the headers that the signature covers. botocore asks twice for each request."""
        if not isinstance(request.headers, RequestHeaders):
            return super().headers_to_sign(request)
        if self._covered is not None and self._covered[0] is request and "authorization" not in request.headers:
            return self._covered[1]
        signed = RequestHeaders((name, value) for name, value in request.headers.items() if name not in _UNSIGNED)
        if "host" not in signed:
            signed["host"] = _host(request.url)
        self._covered = request, signed
        return signed

    def canonical_headers(self, headers_to_sign: Any) -> str:
        """Return the headers in their canonical form."""
        if not isinstance(headers_to_sign, RequestHeaders):
            return super().canonical_headers(headers_to_sign)
        return "\n".join(f"{name}:{' '.join(value.split())}" for name, value in sorted(headers_to_sign.items()))

    def signed_headers(self, headers_to_sign: Any) -> str:
        """Return the names of the headers."""
        return ";".join(sorted({name.lower().strip() for name in headers_to_sign}))

    def payload(self, request: Any) -> str:
        """Return the hash of the body."""
        if isinstance(request.headers, RequestHeaders) and request.context.get("payload_signing_enabled", True):
            return sha256(request.data).hexdigest()
        return super().payload(request)

    def signature(self, string_to_sign: str, request: Any) -> str:
        """Return the signature. Its key is the same for a day."""
        date = request.context["timestamp"][:8]
        key = _signing_key(self.credentials.secret_key, date, *self._scope)
        return hmac.new(key, string_to_sign.encode(), sha256).hexdigest()


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=16)
def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def choose_signer(signature_version: Any, **_: object) -> str | None:
    """Choose the signer above where botocore would choose its own; a handler of ``choose-signer``."""
    return LEAN_V4 if signature_version == "v4" else None


def lighten(request: Any, **_: object) -> None:
    """Give the request light headers, and a light way to be prepared; a handler of ``before-sign``.

    A request with a header of two values, with parameters, or whose body is no bytes stays as it is.
    """
    items = request.headers.items()
    headers = RequestHeaders(items)
    if len(headers) == len(items) and type(request.data) is bytes and request.data and not request.params:
        request.headers = headers
        request.prepare = lambda: _prepared(request)


def _prepared(request: Any) -> AWSPreparedRequest:
    """Return what botocore's ``AWSRequest.prepare`` returns, with light headers."""
    headers = request.headers.copy()
    if "content-length" not in headers and "transfer-encoding" not in headers:
        headers["content-length"] = str(len(request.data))
    return AWSPreparedRequest(
        request.method, request.url, headers, request.data, request.stream_output, request.context
    )


@cache
def prove() -> None:
    """Sign a request in both ways, once a process; raise ``ValueError`` if they differ."""
    for _ in range(3):  # a second may end between the two
        plain, lean = _example(), _example()
        lighten(lean)
        place = Credentials("key", "secret", "token"), "dynamodb", "eu-west-1"
        SigV4Auth(*place).add_auth(plain)
        _LeanSigV4(*place).add_auth(lean)
        made = [{name.lower(): value for name, value in each.prepare().headers.items()} for each in (plain, lean)]
        if made[0] == made[1]:
            return
    raise ValueError("botocore signs requests otherwise")


def _example() -> AWSRequest:
    headers = {
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "User-Agent": "u",
        "Content-Type": "application/x-amz-json-1.0",
    }
    return AWSRequest("POST", "https://dynamodb.eu-west-1.amazonaws.com/", headers, b"{}")


AUTH_TYPE_MAPS[LEAN_V4] = _LeanSigV4
