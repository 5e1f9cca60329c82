"""The terminal: its width, the styles that all commands share, and what may reach it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarry_dev.control_characters import ON_SCREEN, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

__all__ = [
    "BAD",
    "GOOD",
    "OPEN",
    "QUIET",
    "STATUS",
    "Screen",
    "complain",
    "note",
    "print_json",
    "screen",
    "table",
]

GOOD, BAD, OPEN, QUIET = "green", "bold red", "yellow", "dim"

STATUS = {
    "finished": GOOD,
    "done": GOOD,
    "failed": BAD,
    "cancelled": QUIET,
    "running": OPEN,
    "waiting": OPEN,
    "sleeping": OPEN,
    "retrying": BAD,
    "invoking": OPEN,
    "begun": OPEN,
    "withdrawn": QUIET,
}
"""The style of each status of a run or step."""

_WIDEST = 120
_NO_TERMINAL = 100


class Screen(Console):
    """A console on which no control character of users' data has an effect. Line breaks and tabs stay.

    Every text passes ``render``, also that in a table's cell. The console's own colours are no texts.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        if isinstance(renderable, str):
            renderable = renderable.translate(ON_SCREEN)
        elif isinstance(renderable, Text) and (shown := renderable.plain.translate(ON_SCREEN)) != renderable.plain:
            renderable = renderable.copy()
            renderable.plain = shown
        return super().render(renderable, options)


def screen() -> Screen:
    """Return standard output. Users' data are shown as they are, but for control characters: no markup, no colours."""
    console = Screen(markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _NO_TERMINAL
    console.width = min(console.width, _WIDEST)
    return console


def table(*columns: str) -> Table:
    """Return a table without a frame, so that its lines can be copied."""
    made = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_json(document: Any) -> None:
    """Write the one JSON document of a command with ``--json``.

    It is exact. A control character that JSON would let through is written as its escape.
    """
    from tarry_backend.api.documents import finite  # only now: `tarry --help` needs no app

    sys.stdout.write(escaped(json.dumps(finite(document), ensure_ascii=False, indent=2)) + "\n")


def note(message: str) -> None:
    """Write to standard error what a person should know besides the answer."""
    _standard_error().print(f"note: {message}", soft_wrap=True)


def complain(message: str) -> None:
    """Write an error to standard error."""
    console = _standard_error()
    console.print("error:", style=BAD, end=" ")
    console.print(message)


def _standard_error() -> Screen:
    return Screen(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
