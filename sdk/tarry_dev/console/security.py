"""Whom a console answers, and what it allows its pages.

    request ── Host: our name? ── Origin: this console? ── token, or its cookie? ── POST: the mark? ── page

A browser sends requests to localhost for any page that it shows. Each of these checks stops another attack:

- A foreign page has its own name resolve to 127.0.0.1 (DNS rebinding): ``Host`` is not ours.
- A foreign page posts a form to us: ``Origin`` and ``Sec-Fetch-Site`` say so, and it cannot know the form's mark.
- Another user of this machine opens the port, and has no token.
- An event holds HTML: it is escaped. If it were not, the content security policy runs no script of it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from werkzeug.wrappers import Request, Response

__all__ = ["FIELD", "LOOPBACK", "TOKEN", "Guard", "harden"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine's names."""

TOKEN, FIELD = "token", "mark"
"""The parameter of a URL with the token, and the field of a form with its mark."""

_COOKIE, _VISITOR = "tarry_console", "tarry_visitor"

_YEAR = 31_536_000

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script, no inline style, no eval, nothing of another host, and no page around ours."""


class Guard:
    """Decides whether a request is answered.

    Args:
        hosts: The names under which the console is asked for; ``None`` where a proxy in front has checked them.
        token: What a visitor must know; ``None`` where the sign-on in front decides, or everybody on the port may.
        secret: With it the marks of forms are made. Several processes behind one address need the same.
    """

    def __init__(self, hosts: Collection[str] | None, token: str | None, secret: str | None) -> None:
        self._hosts = None if hosts is None else frozenset(name.lower() for name in hosts)
        self._token = token
        self._secret = (secret or secrets.token_hex(32)).encode()

    def why_not(self, request: Request) -> str | None:
        """Return why the request is not for this console, whoever asks; ``None`` if it is."""
        host = request.headers.get("Host", "")
        if self._hosts is not None and not self._is_ours(f"//{host}"):
            return f"the console does not answer under the name {host[:100]!r}: open it under localhost"
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != host:
            return f"the request comes from a page of {origin[:100]!r}"
        if origin is None and request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method != "GET":
            return "the request comes from a page of another site"
        return None

    def knows_token(self, request: Request) -> bool:
        """Whether the visitor has the token, as a cookie or in the URL; true if none is needed."""
        if self._token is None:
            return True
        given = request.cookies.get(_cookie(request)) or ""
        return _same(given, self._token) or self.brings_token(request)

    def brings_token(self, request: Request) -> bool:
        """Whether the URL has the token."""
        return self._token is not None and _same(request.args.get(TOKEN, ""), self._token)

    def remember(self, response: Response, request: Request) -> None:
        """Give the visitor the token as a cookie. A script cannot read it, and no other site's form sends it."""
        if self._token is not None:
            path = request.script_root or "/"
            response.set_cookie(
                _cookie(request), self._token, httponly=True, samesite="Lax", path=path, secure=request.is_secure
            )

    def visitor(self, request: Request) -> str:
        """Return the visitor's name for marks: the cookie's, or a new one."""
        known = request.cookies.get(_VISITOR, "")
        return known if len(known) == 32 and known.isalnum() else secrets.token_hex(16)

    def greet(self, response: Response, request: Request, visitor: str) -> None:
        """Give the visitor that name, if it is a new one."""
        if request.cookies.get(_VISITOR) != visitor:
            path = request.script_root or "/"
            response.set_cookie(
                _VISITOR,
                visitor,
                max_age=_YEAR,
                httponly=True,
                samesite="Strict",
                path=path,
                secure=request.is_secure,
            )

    def mark(self, visitor: str) -> str:
        """Return the mark of this visitor's forms. Who knows the cookie alone cannot make it."""
        return hmac.new(self._secret, visitor.encode(), hashlib.sha256).hexdigest()

    def is_own_form(self, request: Request) -> bool:
        """Whether a page of this console made the form that was posted."""
        visitor = request.cookies.get(_VISITOR, "")
        return bool(visitor) and _same(request.form.get(FIELD, ""), self.mark(visitor))

    def _is_ours(self, url: str) -> bool:
        try:
            name = urlsplit(url).hostname
        except ValueError:
            return False
        return name is not None and self._hosts is not None and (name in self._hosts or name.endswith(".localhost"))


def harden(response: Response) -> None:
    """Add the headers that every answer has."""
    headers = response.headers
    headers["Content-Security-Policy"] = _POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")


def _cookie(request: Request) -> str:
    """The name of the token's cookie. Browsers give a cookie to every port of a host: here each port has its own."""
    port = request.host.rpartition(":")[2]
    return f"{_COOKIE}_{port}" if port.isdecimal() and port.isascii() else _COOKIE


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
