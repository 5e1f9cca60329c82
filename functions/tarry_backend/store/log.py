"""The log of events: the outcome of a wait is read from it.

The matcher logs each event by its name, and by each key that a wait on the name may have. A partition by name has the
events of one day (UTC), or a share of them if there are many. A partition by key has all events with that key. In
both, events are in the order of their positions.
"""

from __future__ import annotations

import heapq
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.store.event_json import event_of, event_text
from tarry_backend.store.event_names import MAX_SHARDS
from tarry_backend.store.models import EventItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pynamodb.expressions.condition import Condition

    from tarry_backend.model.event_place import EventPlace
    from tarry_backend.store.large_values import Values
    from tarry_backend.store.table import Table

__all__ = ["EventGoneError", "EventLog", "LogEntry"]

_DAY = 86_400_000

_LOG = "log#"

_KEYS = "key#"

_COPIED = 900
"""The most bytes of an event that is stored under each of its keys, too: with them an item costs one write unit."""


_PAGE = 500
"""The most events that one request reads: a reader stops after some hundreds."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event to log: by name over ``shards`` partitions (0: not by name), and by these ``keys``."""

    received: ReceivedEvent
    shards: int
    keys: tuple[str, ...] = ()


class EventGoneError(TarryError):
    """An event is no longer in the log: it is older than the days for which the log stores events."""


class EventLog:
    """The log: reads and writes events. It has them for ``days``.

    Older events are not read, even while time to live has not removed them yet. That may take days, and the bucket's
    own expiry may remove a large event before:

        received ──── days ──── not read any more ┄┄ object removed ┄┄ item removed
    """

    def __init__(self, table: Table, values: Values, days: int) -> None:
        self._table = table
        self._values = values
        self._days = days

    @property
    def longest_window(self) -> int:
        """For how long, in milliseconds, events may be gathered before they start a run: the log has them then."""
        return self._days * _DAY * 6 // 7

    def append(self, entries: Iterable[LogEntry]) -> None:
        """Log events, each by its keys and name. Idempotent: the position is the key."""
        entries = list(entries)
        self._write(
            [
                *((_key_partition(key), each, False) for each in entries for key in each.keys),
                *((_by_name(each.received, each.shards), each, True) for each in entries if each.shards),
            ]
        )

    def read(self, name: str, since: Position, until: int, shards: int = 1) -> Iterator[ReceivedEvent]:
        """Read the events of that name in ``(since, until]``, in their order, strongly consistent, page by page.

        Args:
            shards: Over how many partitions a day the name's log is spread now.
        """
        lanes = (self._by_day(name, shard, self._kept(since), until) for shard in range(shards))
        return map(self._received, _merged(lanes))

    def read_keyed(self, keys: Iterable[str], since: Position, until: int) -> Iterator[ReceivedEvent]:
        """Read the events with one of these match keys in ``(since, until]``, in the same way."""
        since = self._kept(since)
        return map(self._received, _merged(self._lane(_key_partition(key), since, until) for key in keys))

    def read_all(
        self, since: Position, until: int, on_page: Callable[[int], bool] = lambda page: True
    ) -> Iterator[ReceivedEvent]:
        """Read the events of every name in ``(since, until]``, in their order.

        It reads the whole table: for people who look into a small one. An event that is older than the log's days may
        still be there. It is read, unless its data are in the bucket, which may have removed them.

        Args:
            on_page: Gets the number of each page (1 MB), and returns whether to read on.
        """
        wanted = EventItem.pk.startswith(_LOG) & _between(since, until)
        kept = self._kept(since).text()
        found: list[EventItem] = []
        for number, page in enumerate(self._table.scan(EventItem, wanted), start=1):
            found += (item for item in page if item.sk >= kept or not self._values.is_in_bucket(item.event))
            if not on_page(number):
                break
        return map(self._received, _merged([sorted(found, key=_PLACE)]))

    def find(self, name: str, position: Position) -> ReceivedEvent:
        """Return the event of that name at that position, strongly consistent.

        The matcher that logged it used some number of shards: a power of two, at most ``MAX_SHARDS``.

        Raises:
            EventGoneError: The log no longer has the event.
        """
        counts = (2**exponent for exponent in range(MAX_SHARDS.bit_length()))
        for shard in dict.fromkeys(_shard(position.event_id, count) for count in counts):
            partition = _partition(name, position.received_at // _DAY, shard)
            for item in self._table.query(EventItem, partition, EventItem.sk == position.text()):
                return self._received(item)
        raise EventGoneError(f"event {position.event_id} of {name!r} is no longer in the log")

    def find_all(self, places: Sequence[EventPlace], shards: Callable[[str], int]) -> Iterator[ReceivedEvent | None]:
        """Yield the events at these places, in their order: mostly 100 in a request. ``None`` for one that is gone.

        Args:
            shards: Over how many partitions a day a name's log is spread now. Where that is not where an event is, or
                the table does not show it yet, it is searched for.
        """
        counts = {name: shards(name) for name in {place.name for place in places}}
        keys = [
            (_partition(name, at.received_at // _DAY, _shard(at.event_id, counts[name])), at.text())
            for at, name in places
        ]
        found = {item.sk: item for item in self._table.get_many(keys, model=EventItem)[0]}
        for place in places:
            item = found.get(place.position.text())
            try:
                yield self.find(place.name, place.position) if item is None else self._received(item)
            except EventGoneError:
                yield None

    def _write(self, places: Sequence[tuple[str, LogEntry, bool]]) -> None:
        packed: dict[Position, bytes] = {}
        with self._table.batch() as batch:
            for partition, entry, whole in {(each[0], each[1].received.position): each for each in places}.values():
                received, position = entry.received, entry.received.position
                if position not in packed:
                    packed[position] = self._packed(received)
                item = EventItem(partition, position.text(), expires=self._expires(received))
                if whole or len(packed[position]) <= _COPIED:
                    item.event = packed[position]
                else:
                    item.event_name = received.event.name  # the log of that name has it
                batch.save(item)

    def _packed(self, received: ReceivedEvent) -> bytes:
        """Return the event for its item. Its object has no slash of the id: S3 refuses a name that climbs by ``..``."""
        event, moment = received.event, received.received_at
        return self._values.pack(event_text(event), f"log/{moment // _DAY}/{moment}-{event.id.replace('/', '_')}")

    def _kept(self, since: Position) -> Position:
        """Return the later of ``since`` and the beginning of the log now."""
        return max(since, Position(now() - self._days * _DAY))

    def _expires(self, received: ReceivedEvent) -> int:
        """Return when time to live removes the event. One that was a dead letter for long is logged late.

        received ──── dead letter ──── redriven: logged ── gathered ── its window ends: read
                          └ days are over: no look reads it any more
        """
        return (max(received.received_at, now()) + self._days * _DAY) // 1000 + 1

    def _by_day(self, name: str, shard: int, since: Position, until: int) -> Iterator[EventItem]:
        """Yield one shard's events, one day's partition after the other."""
        for day in range(since.received_at // _DAY, until // _DAY + 1):
            yield from self._lane(_partition(name, day, shard), since, until)

    def _lane(self, partition: str, since: Position, until: int) -> Iterator[EventItem]:
        if since.received_at <= until:  # DynamoDB refuses a range that ends before it begins
            yield from self._table.query(EventItem, partition, _between(since, until), page_size=_PAGE)

    def _received(self, item: EventItem) -> ReceivedEvent:
        position = Position.parse(item.sk)
        if item.event_name:
            return self.find(item.event_name, position)
        return ReceivedEvent(event_of(self._values.unpack(item.event)), position.received_at)


_PLACE = attrgetter("sk")


def _merged(lanes: Iterable[Iterable[EventItem]]) -> Iterator[EventItem]:
    """Yield the items in order, each event once. A matcher that knew of fewer shards may have logged it as well."""
    for _, same in groupby(heapq.merge(*lanes, key=_PLACE), _PLACE):
        yield next(same)


def _between(since: Position, until: int) -> Condition:
    return EventItem.sk.between(since.text() + "\x00", f"{until:015d}#\U0010ffff")


def _by_name(received: ReceivedEvent, shards: int) -> str:
    event = received.event
    return _partition(event.name, received.received_at // _DAY, _shard(event.id, shards))


def _partition(name: str, day: int, shard: int) -> str:
    return f"{_LOG}{name}#{_date(day)}#{shard}"


def _key_partition(key: str) -> str:
    return f"{_KEYS}{key}"


def _shard(event_id: str, shards: int) -> int:
    return zlib.crc32(event_id.encode("utf-8", "surrogatepass")) % shards


def _date(day: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}"
