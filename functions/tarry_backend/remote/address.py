"""The address of an app over HTTP. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tarry.errors import UsageError

__all__ = ["checked_address"]

_PLAIN = re.compile(r"[!-~]+")


def checked_address(url: str) -> str:
    """Return the address without its query, if it can be called.

    Raises:
        UsageError: It cannot.
    """
    if not _PLAIN.fullmatch(url) or not _is_callable(url):
        raise UsageError(f"the address {url[:200]!r} of an app cannot be called: give http://… or https://…")
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        return False
