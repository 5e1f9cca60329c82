"""What the table has about an event name: the shapes that find its waits, and the layout of its log.

All of it only ever grows. So what a process has read stays true; a process that reads later sees more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pynamodb.expressions.condition import size

from tarry_backend.clock import now
from tarry_backend.model.alternative import NAME_ONLY
from tarry_backend.store.models import NameItem
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from tarry_backend.store.table import Table

__all__ = ["FRESH", "MAX_SHAPES", "MAX_SHARDS", "SKEW", "Name", "Names"]

MAX_SHAPES = 16
"""The most shapes of one event name. Each one costs a query and a write unit for each event of that name."""

MAX_SHARDS = 16
"""The most partitions of one day of a name's log, and the most keys of the name's waits without a key."""

SKEW = 60_000
"""The most, in milliseconds, by which AWS's clocks differ: a queue's and a Lambda's, or two Lambdas'."""

FRESH = 60
"""How long, in seconds, a process trusts what it has read of a name."""

_KNOWN = FRESH * 1000 + SKEW
"""The milliseconds, by any clock, after which every process knows of a change of a name."""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Name:
    """One event name.

    ``shapes`` maps each shape with paths to when it was added (Unix milliseconds). The executor writes waits without
    a key under ``name_shards`` keys. The log by name has ``log_shards`` partitions a day; until every process knows of
    ``log_shards_set``, writers use ``log_shards_before``.
    """

    shapes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    name_shards: int = 0
    log_shards: int = 1
    log_shards_before: int = 1
    log_shards_set: int = 0

    @property
    def is_awaited(self) -> bool:
        """Whether there is a wait on the name, or has been one."""
        return bool(self.shapes or self.name_shards)

    @property
    def lookups(self) -> Iterable[str]:
        """The shapes by which the matcher looks for open waits: one query each."""
        return [*sorted(self.shapes), *(f"{NAME_ONLY}{shard}" for shard in range(self.name_shards))]

    def keyed_since(self, shape: str) -> int | None:
        """Return since when the log has the name's events by the keys of that shape; ``None`` if it does not.

        An event that was received after this time, and is in the log by name, is in the log by key as well:

            now        shape added                keyed_since
            matcher    may know no better for FRESH ── knows
            clocks     ──────── SKEW ─────────────────
        """
        added = self.shapes.get(shape)
        return None if added is None else added + _KNOWN

    def shards_to_write(self, moment: int) -> int:
        """Return over how many partitions a writer spreads the log now.

        Writers use a new number only once every reader knows it, so that no reader misses a partition:

            now        log_shards set                    all write over log_shards
            reader     may know no better for FRESH ── knows
        """
        return self.log_shards if moment >= self.log_shards_set + _KNOWN else self.log_shards_before


class Names:
    """The names of one table: reads them strongly consistent, and adds to them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read: dict[str, tuple[int, Name]] = {}

    def of(self, event_name: str) -> Name:
        """Return the name as it is now. It has all that was added before this call."""
        item = self._table.get(NameItem, _pk(event_name), _SK)
        return self._remember(event_name, Name() if item is None else _name(item))

    def recent(self, event_name: str) -> Name:
        """Return the name as it was at most ``FRESH`` seconds ago, mostly without a request."""
        read = self._read.get(event_name)
        return read[1] if read and 0 <= now() - read[0] < FRESH * 1000 else self.of(event_name)

    def add(self, event_name: str, shape: str) -> bool:
        """Add a shape with paths; return false if the name already has ``MAX_SHAPES``.

        One request, or two if others add the first shapes at the same time.
        """
        name = self.recent(event_name)
        if shape in name.shapes:
            return True
        entry = f"{now()}:{shape}"
        if not name.shapes:
            first = NameItem.shapes.set({_digest(shape): entry})
            name = self._update(event_name, [first], NameItem.shapes.does_not_exist())
        if shape not in name.shapes:
            further = NameItem.shapes[_digest(shape)]
            free = further.does_not_exist() & (size(NameItem.shapes) < MAX_SHAPES)
            name = self._update(event_name, [further.set(entry)], free)
        return shape in name.shapes

    def spread_waits(self, event_name: str, shards: int) -> int:
        """Spread the waits without a key over at least ``shards`` keys; return over how many they are spread now."""
        if (known := self.recent(event_name).name_shards) >= shards:
            return known
        fewer = NameItem.name_shards.does_not_exist() | (NameItem.name_shards < shards)
        return self._update(event_name, [NameItem.name_shards.set(shards)], fewer).name_shards

    def spread_log(self, event_name: str, shards: int) -> Name:
        """Spread the log over at least ``shards`` partitions a day, unless its last spread is too recent.

        Return the name as this process knows it. If the log is spread enough, this is as cheap as ``recent``.
        """
        known, moment = self.recent(event_name), now()
        if known.log_shards >= shards or known.shards_to_write(moment) != known.log_shards:
            return known
        unchanged = NameItem.log_shards.does_not_exist() | (NameItem.log_shards == known.log_shards)
        actions: list[Action] = [
            NameItem.log_shards.set(shards),
            NameItem.log_shards_before.set(known.log_shards),
            NameItem.log_shards_set.set(moment),
        ]
        return self._update(event_name, actions, unchanged)

    def _update(self, event_name: str, actions: list[Action], condition: Condition) -> Name:
        """Return the name after the update, or the unchanged name if the condition did not hold. One request."""
        try:
            item = self._table.update(NameItem, _pk(event_name), _SK, actions, condition)
        except ConditionFailedError as error:
            if error.item is None:  # cannot be: the conditions hold for a name that has no item yet
                raise
            item = NameItem.from_raw_data(error.item)
        return self._remember(event_name, _name(item))

    def _remember(self, event_name: str, name: Name) -> Name:
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[event_name] = (now(), name)
        return name


_SK = "name"


def _pk(event_name: str) -> str:
    return f"name#{event_name}"


def _digest(shape: str) -> str:
    return hashlib.sha256(shape.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _name(item: NameItem) -> Name:
    entries = (entry.partition(":") for entry in ({} if item.shapes is None else item.shapes.as_dict()).values())
    return Name(
        MappingProxyType({shape: int(added) for added, _, shape in entries}),
        int(item.name_shards or 0),
        int(item.log_shards or 1),
        int(item.log_shards_before or 1),
        int(item.log_shards_set or 0),
    )
