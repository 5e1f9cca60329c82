"""The content of a dead letter, as people see it."""

from __future__ import annotations

from dataclasses import dataclass

from tarry_backend.events.envelope import parse, received_event
from tarry_backend.queues.messages import MessageError, decode

__all__ = ["Content", "content"]


@dataclass(frozen=True, slots=True)
class Content:
    """A letter's content: its kind, the name of the event in it, the run that it is for, and why it is refused."""

    kind: str
    event: str | None = None
    run: str | None = None
    refused: str | None = None


def content(body: str) -> Content:
    """Return a message body's content; ``unreadable`` if it is neither an event nor one of Tarry's messages.

    Why it is refused is not stored: the command asks the door at which the matcher refused it.
    """
    try:
        fields = parse(body)
        if "tarry" not in fields:
            return Content("event", received_event(fields, 0).event.name)
        message = decode(body)
    except MessageError as error:
        return Content("unreadable", refused=str(error))
    carried = getattr(message, "carried", None)
    return Content(message.kind, carried.name if carried else None, getattr(message, "run_id", None))
