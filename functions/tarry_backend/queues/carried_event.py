"""The event that a message carries or names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.queues.messages import MessageError
from tarry_backend.store import EventGoneError

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import Carried
    from tarry_backend.store import EventLog

__all__ = ["carried_event"]


def carried_event(carried: Carried, log: EventLog) -> ReceivedEvent:
    """Return the event that the message carries, or the log's if the event was too large for the message.

    Raises:
        MessageError: The log no longer has the event.
    """
    if (received := carried.received()) is not None:
        return received
    try:
        return log.find(carried.name, carried.position)
    except EventGoneError as error:
        raise MessageError(str(error)) from error
