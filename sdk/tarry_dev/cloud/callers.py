"""Whom a served cloud answers: programs of this machine and pages of this machine, and nobody else's web pages.

A browser sends requests to localhost for any page that it shows. Steps may have real effects, also in a demo.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

__all__ = ["Callers"]

_LOCAL = ("localhost", "127.0.0.1", "::1")

_OF_LOCALHOST = ".localhost"
"""Browsers resolve these names to this machine by themselves: nobody else's server can have one."""


class Callers:
    """Decides by a request's headers. ``more`` are names, beside localhost, that are allowed too."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._names = {*_LOCAL, *(name.lower() for name in more)}

    def why_not(self, request: Request) -> str | None:
        """Return why the request is refused; ``None`` if it is not.

        The header ``Host`` is what a browser was asked for. It differs from this machine's names if a foreign page has
        its own name resolve to 127.0.0.1 (DNS rebinding). A browser says by ``Origin`` and ``Sec-Fetch-Site`` which
        page sends a request. The AWS CLI, SDKs and curl send neither.
        """
        headers = request.headers
        if "Host" in headers and not self._is_allowed(f"//{headers['Host']}"):
            return f"it is for the host {headers['Host'][:100]!r}; {_HINT}"
        origin = headers.get("Origin")
        if origin is not None and not self._is_allowed(origin):
            return f"it comes from a web page of {origin[:100]!r}; {_HINT}"
        if origin is None and headers.get("Sec-Fetch-Site") == "cross-site":
            return f"it comes from a web page of another site; {_HINT}"
        return None

    def _is_allowed(self, url: str) -> bool:
        try:
            name = urlsplit(url).hostname
        except ValueError:
            return False
        return name is not None and (name in self._names or name.endswith(_OF_LOCALHOST))


_HINT = (
    "tarry dev answers only programs and pages of this machine, under the name localhost. To allow another name, "
    "start it with --allow-host NAME"
)
