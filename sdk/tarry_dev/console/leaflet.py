"""A run's page as one file, for a reader who comes when the cloud is gone: the report of a failed test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from tarry_dev.console.page_html import rendered, static_file
from tarry_dev.console.pages import run
from tarry_dev.console.visit import Visit

if TYPE_CHECKING:
    from tarry_dev.console.source import Source

__all__ = ["leaflet"]


class _Reader(Visit):
    """A visit without a server: a link leads to the file of another run, and nothing can be done."""

    def link(self, *parts: str, **query: str | None) -> str:
        return f"{parts[1]}.html" if len(parts) == 2 and parts[0] == "runs" else "#"


def leaflet(source: Source, run_id: str) -> str:
    """Return the run's page as HTML, with its style in it."""
    reader = _Reader(Request(EnvironBuilder("/").get_environ()), source, True, "", "")
    found = static_file("console.css")
    style = "" if found is None else found[0].decode()
    return rendered(run.show(reader, run_id), reader, "", frame="_leaflet.html", style=Markup(style))
