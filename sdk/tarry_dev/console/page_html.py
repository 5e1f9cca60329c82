"""The templates, and how a page becomes HTML. Everything that comes from elsewhere is escaped, and made visible."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tarry._wire.jsonvalues import decode
from tarry_backend.model.moment import iso
from tarry_dev.console.json_view import json_view, one_line_json
from tarry_dev.console.security import FIELD
from tarry_dev.console.times import ago, clock_time, exact, milliseconds_of
from tarry_dev.console.words import MARKS
from tarry_dev.control_characters import ON_SCREEN
from tarry_dev.time_span import span

if TYPE_CHECKING:
    from tarry_dev.console.visit import Page, Visit

__all__ = ["STATIC", "fingerprint", "rendered", "static_file"]

STATIC = "console/static"
"""The path of the files that each page needs."""

_PLAIN = Markup("")

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


def rendered(page: Page, visit: Visit, seen: str, *, frame: str = "_base.html", style: Markup = _PLAIN) -> str:
    """Return a page's HTML, marked as ``seen``, in that frame. ``style`` is for a frame that holds its own."""
    environment = _environment()
    known = {"visit": visit, "now": visit.now, "link": visit.link, "page": page, **page.context}
    content = Markup(environment.get_template(page.template).render(known))
    more = {"content": content, "seen": seen, "style": style}
    html: str = environment.get_template(frame).render({**known, **more})
    return html


def fingerprint(page: Page) -> str:
    """Return a hash of what a page shows, but for how long ago things were."""
    text = json.dumps([page.title, page.context], default=repr, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def static_file(name: str) -> tuple[bytes, str] | None:
    """Return the content and the type of a file that pages need; ``None`` if there is none of that name."""
    if name not in _names():
        return None
    content = (resources.files("tarry_dev.console") / "static" / name).read_bytes()
    return content, _TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")


@cache
def _names() -> frozenset[str]:
    return frozenset(each.name for each in (resources.files("tarry_dev.console") / "static").iterdir())


@cache
def _version(name: str) -> str:
    found = static_file(name)
    return "" if found is None else hashlib.sha256(found[0]).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tarry_dev.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    made.filters.update(
        ago=ago,
        at=clock_time,
        exact=exact,
        iso=iso,
        ms=milliseconds_of,
        span=span,
        view=json_view,
        short=one_line_json,
        pretty=_pretty,
        decoded=decode,
    )
    made.globals.update(marks=MARKS, mark_field=FIELD, static=_static)
    return made


def _static(name: str) -> str:
    return f"/{STATIC}/{name}?v={_version(name)}"


def _visible(value: Any) -> Any:
    """Show a sign for each character that a browser hides, or that turns the text around it."""
    return value.translate(ON_SCREEN) if type(value) is str else value


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
