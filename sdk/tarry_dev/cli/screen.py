"""The terminal: its width, and the few styles that all commands share."""

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
    """Standard output. What users send is shown as it is: no markup in it, no colours guessed."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _NO_TERMINAL
    console.width = min(console.width, _WIDEST)
    return console


def table(*columns: str) -> Table:
    """A table whose lines have no frame, so that they can be copied."""
    made = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_json(document: Any) -> None:
    """The one JSON document that a command with ``--json`` writes."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def note(message: str) -> None:
    """What a person should know besides the answer, to standard error."""
    Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True).print(f"note: {message}")


def complain(message: str) -> None:
    """An error, to standard error."""
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    console.print("error:", style=BAD, end=" ")
    console.print(message)
