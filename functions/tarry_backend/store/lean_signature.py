"""Signature Version 4 of a request as botocore makes it, with headers that are a dict and a key that is kept.

botocore holds a request's headers in an e-mail message, and derives the day's signing key with each request.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SigV4Auth

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LEAN_V4", "Headers", "choose_signer", "lighten"]

LEAN_V4 = "tarry-v4"
"""The name under which botocore finds the signer below."""

_UNSIGNED = frozenset(SIGNED_HEADERS_BLACKLIST)
_PORTS = {"http": 80, "https": 443}


class Headers(dict[str, Any]):
    """The headers of a request, each with one value; names in lower case. It does what botocore asks of a message."""

    def __init__(self, items: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__((name.lower(), value) for name, value in items)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name.lower(), value)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __delitem__(self, name: str) -> None:
        super().pop(name.lower(), None)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value, or the default if there is none."""
        return super().get(name.lower(), default)

    def get_all(self, name: str, default: Any = None) -> Any:
        """Return the value in a list, or the default if there is none."""
        return [self[name]] if name in self else default

    def add_header(self, name: str, value: Any) -> None:
        """Set the header."""
        self[name] = value

    def replace_header(self, name: str, value: Any) -> None:
        """Set the header; raise ``KeyError`` if it is not there."""
        if name not in self:
            raise KeyError(name)
        self[name] = value

    def update(self, *others: Any, **more: Any) -> None:
        """Set these headers."""
        for name, value in dict(*others, **more).items():
            self[name] = value


class _LeanSigV4(SigV4Auth):
    """botocore's signer over light headers. It decides as before what is signed and when."""

    def headers_to_sign(self, request: Any) -> Any:
        """Return the headers that the signature covers."""
        if not isinstance(request.headers, Headers):
            return super().headers_to_sign(request)
        signed = Headers((name, value) for name, value in request.headers.items() if name not in _UNSIGNED)
        if "host" not in signed:
            signed["host"] = _host(request.url)
        return signed

    def signature(self, string_to_sign: str, request: Any) -> str:
        """Return the signature. Its key is the same for a day."""
        date = request.context["timestamp"][:8]
        key = _signing_key(self.credentials.secret_key, date, self._region_name, self._service_name)
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
    """Give the request light headers, unless a header has two values; a handler of ``before-sign``."""
    items = request.headers.items()
    headers = Headers(items)
    if len(headers) == len(items):
        request.headers = headers


AUTH_TYPE_MAPS[LEAN_V4] = _LeanSigV4
