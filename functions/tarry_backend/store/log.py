"""The log of events: what a wait's outcome is read from.

A partition holds one event name's events of one day (UTC), in the order of their positions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tarry_backend.messages import MessageError
from tarry_backend.position import Position
from tarry_backend.received import Received
from tarry_backend.store.events import event_of, event_text
from tarry_backend.store.models import EventItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_backend.messages import Carried
    from tarry_backend.store.values import Values

__all__ = ["EventLog"]

_DAY = 86_400_000

_LOG = "log#"


class EventLog:
    """Reads and writes the log. Events are kept for ``days``."""

    def __init__(self, values: Values, days: int) -> None:
        self._values = values
        self._days = days

    def append(self, events: Iterable[Received]) -> None:
        """Logs the events. Idempotent: the position is the key."""
        with EventItem.batch_write() as batch:
            for received in {received.position: received for received in events}.values():
                batch.save(self._item(received))

    def read(self, name: str, since: Position, until: int) -> Iterator[Received]:
        """The events of that name in ``(since, until]``, in their order, strongly consistent, page by page."""
        oldest = until - self._days * _DAY
        first, last = since.text() + "\x00", f"{until:015d}#\U0010ffff"
        for day in range(max(since.received_at, oldest) // _DAY, until // _DAY + 1):
            for item in EventItem.query(_partition(name, day), EventItem.sk.between(first, last), consistent_read=True):
                yield self._received(item)

    def read_all(self, since: Position, until: int) -> list[Received]:
        """The events of every name in ``(since, until]``, in their order. Reads the whole table: for people who
        look into a small one."""
        found = map(self._received, EventItem.scan(EventItem.pk.startswith(_LOG)))
        wanted = (each for each in found if since < each.position and each.received_at <= until)
        return sorted(wanted, key=lambda received: received.position)

    def carried(self, message: Carried) -> Received:
        """The event that a message carries, or names."""
        if (whole := message.received()) is not None:
            return whole
        position = Position(message.received_at, message.id)
        try:
            item = EventItem.get(
                _partition(message.name, position.received_at // _DAY), position.text(), consistent_read=True
            )
        except EventItem.DoesNotExist:
            raise MessageError(f"event {message.id} of {message.name!r} is no longer in the log") from None
        return self._received(item)

    def _item(self, received: Received) -> EventItem:
        event, moment = received.event, received.received_at
        return EventItem(
            _partition(event.name, moment // _DAY),
            received.position.text(),
            event=self._values.pack(event_text(event), f"log/{moment // _DAY}/{moment}-{event.id}"),
            expires=(moment + self._days * _DAY) // 1000 + 1,
        )

    def _received(self, item: EventItem) -> Received:
        return Received(event_of(self._values.unpack(item.event)), Position.parse(item.sk).received_at)


def _partition(name: str, day: int) -> str:
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return f"{_LOG}{name}#{date:%Y-%m-%d}#0"
