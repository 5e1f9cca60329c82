"""``tarry send``: puts events on the app's bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry import Event

__all__ = ["send_events"]


def send_events(events: Sequence[Event], stack: str | None, as_json: bool) -> None:
    """``tarry send``."""
    with connect(stack) as tarry:
        ids = tarry.bus.send(events)
    if as_json:
        print_json({"ids": ids})
    elif len(ids) == 1:
        screen().print(one_line(f"sent {events[0].name} as {ids[0]}"))
    else:
        screen().print(f"sent {len(ids)} events")
