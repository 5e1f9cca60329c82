"""One request of a visitor, and what a page answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from tarry_backend.clock import now
from tarry_dev.console.source import PageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Request

    from tarry_dev.console.source import Source

__all__ = ["DONE", "Gone", "Page", "Visit", "path_of"]

DONE = "tarry_done"
"""The cookie that carries a word on what was done to the next page."""

LOCAL_REFRESH, REMOTE_REFRESH = 1_000, 15_000
"""After how many milliseconds a list is read again."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows: a template, and plain data for it. ``every`` is after how many milliseconds it is read again.

    ``moving``: it may change though the app has not, as a bar grows. ``section`` is its entry in the navigation.
    """

    template: str
    title: str
    section: str
    context: Mapping[str, Any] = field(default_factory=dict)
    every: int | None = None
    moving: bool = False
    status: int = 200


@dataclass(frozen=True, slots=True)
class Gone:
    """After an action: the page to go to, with a word on what was done."""

    to: str
    done: str


@dataclass(frozen=True)
class Visit:
    """A request, the app that it is about, and who asks."""

    request: Request
    source: Source
    is_read_only: bool
    visitor: str
    mark: str
    now: int = field(default_factory=now)

    @property
    def done(self) -> str:
        """What the visitor has just done, in words."""
        return unquote(self.request.cookies.get(DONE, ""))

    @property
    def theme(self) -> str:
        """The theme that the visitor has chosen; empty for that of the system."""
        chosen = self.request.cookies.get("tarry_theme", "")
        return chosen if chosen in ("light", "dark") else ""

    def arg(self, name: str, default: str = "") -> str:
        """Return a parameter of the URL."""
        return self.request.args.get(name, default).strip()

    def given(self, name: str) -> str:
        """Return a field of the form."""
        return self.request.form.get(name, "")

    def link(self, *parts: str, **query: str | None) -> str:
        """Return the URL of a page: its path's parts, and its parameters. Those that are empty are left out."""
        return self.request.script_root + path_of(*parts, **query)

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether a page of another site led here: then what costs money waits for a click on a page of this one."""
        return self.request.headers.get("Sec-Fetch-Site") == "cross-site"

    def refresh(self) -> int:
        """After how many milliseconds a list is read again: seldom on a stack, since each reading has its price."""
        return LOCAL_REFRESH if self.source.is_local else REMOTE_REFRESH

    def why_not(self, *permissions: str) -> str | None:
        """Return why this visitor cannot do what needs these permissions; ``None`` if nothing is known against it."""
        if self.is_read_only:
            return "this console only reads"
        missing = [each for each in permissions if self.source.permitted(each) is False]
        return f"your role lacks {', '.join(missing)}" if missing else None

    def why_not_ask(self, *permissions: str) -> str:
        """Return why this visitor cannot read what needs these permissions; empty if nothing is known against it."""
        missing = [each for each in permissions if self.source.permitted(each) is False]
        return f"Your role lacks {', '.join(missing)}." if missing else ""

    def check(self, *permissions: str) -> None:
        """Raise ``PageError`` if this visitor cannot do what needs these permissions."""
        if why_not := self.why_not(*permissions):
            raise PageError(403, f"Nothing was done: {why_not}.")


def path_of(*parts: str, **query: str | None) -> str:
    """Return a path and its query, each part escaped."""
    path = "".join(f"/{quote(part, safe='')}" for part in parts) or "/"
    asked = urlencode([(name, value) for name, value in query.items() if value], errors="surrogatepass")
    return f"{path}?{asked}" if asked else path
