"""The lines of an event file on their way to the bus: events of the app, and entries of other services."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tarry_dev.event_file import Put, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tarry_dev.cli.connection import Connection

__all__ = ["send_lines"]


def send_lines(lines: Sequence[Sent | Put], tarry: Connection) -> Iterator[str]:
    """Send the lines in their order, as batches of one kind; yield the events' ids."""
    for _, alike in groupby(lines, type):
        group = list(alike)
        if events := [line.event for line in group if isinstance(line, Sent)]:
            yield from tarry.lookups.send(events)
        if entries := [line.entry for line in group if isinstance(line, Put)]:
            yield from tarry.lookups.put(entries)
