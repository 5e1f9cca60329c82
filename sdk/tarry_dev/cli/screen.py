"""The terminal: its width, and the styles that all commands share."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["BAD", "GOOD", "OPEN", "QUIET", "STATUS", "complain", "note", "print_json", "screen", "table"]

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
    "withdrawn": QUIET,
}
"""The style of each status of a run or step."""

_WIDEST = 120
_NO_TERMINAL = 100


def screen() -> Console:
    """Return standard output. Users' data are shown unchanged: no markup, no guessed colours."""
    console = Console(markup=False, highlight=False, emoji=False)
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
    """Write the one JSON document of a command with ``--json``."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def note(message: str) -> None:
    """Write to standard error what a person should know besides the answer."""
    Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True).print(f"note: {message}")


def complain(message: str) -> None:
    """Write an error to standard error."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    console.print("error:", style=BAD, end=" ")
    console.print(message)
