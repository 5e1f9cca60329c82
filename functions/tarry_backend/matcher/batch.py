"""A batch of the events queue: its records, in the order in which the matcher acts on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry_backend.deploy.topology import EVENTS
from tarry_backend.events.envelope import parse, received_event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.messages import MatcherMessage, MessageError, decode
from tarry_backend.queues.sender import REDRIVEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Record", "read_batch"]

_TURNS = EVENTS.max_receives - 1
"""How often SQS delivers a record again before it becomes a dead letter."""


@dataclass(frozen=True, slots=True)
class Record:
    """One SQS record of the events queue.

    Attributes:
        message_id: SQS's id of the message.
        content: The event or message; the error if it is neither an event nor a message to the matcher.
        sent: When the queue received it, in Unix milliseconds by the queue's clock.
        first_received: When the queue first gave it to a matcher, by the same clock.
        receives: How often the queue has given it to a matcher, this time included.
        receipt: The receipt handle that deletes the message, or returns it to the queue.
    """

    message_id: str
    content: ReceivedEvent | MatcherMessage | MessageError
    sent: int
    first_received: int
    receives: int
    receipt: str

    @property
    def again(self) -> bool:
        """Whether the queue delivered the record before: an earlier matcher failed over it, or died."""
        return self.receives > 1


def read_batch(records: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return SQS records in the order in which the matcher acts on them.

    Events are in the order of their positions, so that a wait gets the earlier one first. Markers are after the
    events, since an event of the same batch may have been received before the marker's deadline.

    Records of a further delivery are last: earlier matchers may have died of some of them. At each delivery another
    one of them is the first, so that all have their turn. ``k`` kills its matcher:

        delivery 2    k ── a ── k ── b        a matcher dies of the first k
        delivery 3    a ── k ── b ── k        a is done
        delivery 4    k ── b ── k             …
    """
    read = sorted(map(_record, records), key=_place)
    again = [record for record in read if record.again]
    if again:
        quarter = -(-len(again) // _TURNS)
        first = quarter * (max(record.receives for record in again) - 2) % len(again)
        again = again[first:] + again[:first]
    return [*(record for record in read if not record.again), *again]


def _record(record: Mapping[str, Any]) -> Record:
    attributes = record["attributes"]
    return Record(
        record["messageId"],
        _content(record),
        int(attributes["SentTimestamp"]),
        int(attributes["ApproximateFirstReceiveTimestamp"]),
        int(attributes.get("ApproximateReceiveCount", 1)),
        record.get("receiptHandle", ""),
    )


def _received_at(record: Mapping[str, Any]) -> int:
    """Return when the queue first received the event: a redriven dead letter carries that time."""
    mark = record.get("messageAttributes", {}).get(REDRIVEN, {}).get("stringValue", "")
    sent = int(record["attributes"]["SentTimestamp"])
    return min(sent, int(mark)) if mark.isdigit() else sent


def _content(record: Mapping[str, Any]) -> ReceivedEvent | MatcherMessage | MessageError:
    try:
        fields = parse(record["body"])
        if "tarry" not in fields:
            return received_event(fields, _received_at(record))
        message = decode(record["body"])
        if isinstance(message, MatcherMessage):
            return message
        return MessageError(f"a {message.kind} message does not belong in the events queue")
    except MessageError as error:
        return error


def _place(record: Record) -> tuple[int, object]:
    content = record.content
    return (0, content.position) if isinstance(content, ReceivedEvent) else (1, ())
