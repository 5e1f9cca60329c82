"""A batch of the events queue: its records read, and in the order in which the matcher acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry_backend.events.envelope import parse, received_event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.messages import FanOut, Marker, MessageError, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Record", "read_batch"]


@dataclass(frozen=True, slots=True)
class Record:
    """One SQS record of the events queue.

    ``content`` is the error if the record is neither an event nor a message to the matcher. ``first_received`` is
    when the queue first gave it to a matcher (Unix milliseconds, by the queue's clock).
    """

    message_id: str
    content: ReceivedEvent | Marker | FanOut | MessageError
    first_received: int


def read_batch(records: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Read SQS records, events first.

    Events come in the order of their positions, so that a wait gets the earlier one first. Markers come behind the
    events, since an event of the same batch may have been received before the marker's deadline.
    """
    return sorted(map(_record, records), key=_place)


def _record(record: Mapping[str, Any]) -> Record:
    first_received = int(record["attributes"]["ApproximateFirstReceiveTimestamp"])
    return Record(record["messageId"], _content(record), first_received)


def _content(record: Mapping[str, Any]) -> ReceivedEvent | Marker | FanOut | MessageError:
    try:
        fields = parse(record["body"])
        if "tarry" not in fields:
            return received_event(fields, int(record["attributes"]["SentTimestamp"]))
        message = decode(record["body"])
        if isinstance(message, Marker | FanOut):
            return message
        return MessageError(f"a {message.kind} message does not belong in the events queue")
    except MessageError as error:
        return error


def _place(record: Record) -> tuple[int, object]:
    content = record.content
    return (0, content.position) if isinstance(content, ReceivedEvent) else (1, ())
