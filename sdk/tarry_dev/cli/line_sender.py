"""The lines of an event file on their way to the bus: events of the app, and entries of other services."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tarry import SendError
from tarry_dev.event_file import Put, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry_dev.cli.connection import Connection

__all__ = ["send_lines"]

_PER_REQUEST = 10


def send_lines(lines: Sequence[Sent | Put], tarry: Connection) -> Iterator[str]:
    """Send the lines in their order, as batches of one kind; yield the events' ids."""
    for _, alike in groupby(lines, type):
        group = list(alike)
        if events := [line.event for line in group if isinstance(line, Sent)]:
            yield from tarry.bus.send(events)
        entries = [line for line in group if isinstance(line, Put)]
        for first in range(0, len(entries), _PER_REQUEST):
            yield from _put(entries[first : first + _PER_REQUEST], tarry)


def _put(lines: Sequence[Put], tarry: Connection) -> list[str]:
    import boto3

    bus = tarry.deployment.settings.bus
    entries: list[PutEventsRequestEntryTypeDef] = [{**line.entry, "EventBusName": bus} for line in lines]
    results = boto3.client("events").put_events(Entries=entries)["Entries"]
    pairs = zip(lines, results, strict=True)
    refused = [(line.name, each["ErrorMessage"]) for line, each in pairs if "ErrorCode" in each]
    if refused:
        raise SendError(refused, total=len(results))
    return [each["EventId"] for each in results]
