"""``tarry advance``: the time of ``tarry dev`` moves on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry_dev.cli.dev_files import bus_file
from tarry_dev.cli.endpoint import Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.moves import Moves, ask
from tarry_dev.cli.options import chosen_app
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.times import Calendar, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["advance_time"]


def advance_time(by: str | None, to_next: bool, stack: str | None, as_json: bool) -> None:
    """``tarry advance``."""
    if stack is not None:
        raise CommandError(
            f"the time of a stack on AWS ({stack}) cannot be moved: only that of tarry dev and of tests can; "
            "leave --stack and TARRY_STACK out to move the time of the tarry dev of this folder"
        )
    if (by is None) != to_next:
        raise CommandError("say how far, such as tarry advance 3d, or to the next timer: tarry advance --next")
    span_asked = None if by is None else milliseconds(int(by) if by.isascii() and by.isdecimal() else by)
    if span_asked is not None and span_asked < 0:
        raise CommandError(f"time only goes forward, not by {by}")
    endpoints = Endpoint.find(chosen_app())
    if len(endpoints) > 1:
        moves = Moves({each.app: each.url for each in endpoints}, bus_file(Path(endpoints[0].clock).parents[1]))
        moved = moves.to_next() if span_asked is None else moves.by(span_asked)
    else:
        moved = ask(endpoints[0].url, {"next": True} if to_next else {"by": span_asked})
    if as_json:
        print_json(moved)
        return
    # While the clock moved, real time went on: of what was asked for, that much less was left to move.
    screen().print(_said({**moved, "moved": span_asked or moved["moved"]}, [each.app for each in endpoints]))


def _said(moved: Mapping[str, int | None], apps: Sequence[str]) -> str:
    at = moved["now"] or 0
    whose = f"{', '.join(apps)}: " if len(apps) > 1 else ""
    ahead = f"{_words(moved['ahead'])} ahead of real time"
    return f"{whose}moved {_words(moved['moved'])}; it is now {Calendar(at, dated=True).at(at)}, {ahead}"


def _words(moved: int | None) -> str:
    """Write a move to the second: the clock went on while the command asked."""
    return span(round(moved or 0, -3))
