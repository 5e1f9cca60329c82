"""What is known of an event name: by what its waits are found, and how its log is laid out.

All of it only ever grows, so what somebody has read stays true; who reads later sees more.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
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
"""The most shapes of one event name: each is a query at each event of that name."""

MAX_SHARDS = 16
"""Over how many partitions a name's log, and its waits without a key, are spread at most."""

SKEW = 60_000
"""By how much, in milliseconds, AWS's clocks may differ: a queue's and a Lambda's."""

FRESH = 60
"""For how many seconds a process goes by what it has read of a name."""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Name:
    """``shapes`` are those with paths; ``changed`` is when the last of them was added. Waits without a key stand
    under ``name_shards`` keys. The log has ``log_shards`` partitions a day. Since ``hot_since`` matchers also log
    each event by the keys of the shapes, before they log it by name. Times are Unix milliseconds.
    """

    shapes: frozenset[str] = frozenset()
    changed: int = 0
    name_shards: int = 0
    log_shards: int = 1
    hot_since: int | None = None

    @property
    def lookups(self) -> Iterable[str]:
        """By what the open waits are found, one query each."""
        return [*sorted(self.shapes), *(f"{NAME_ONLY}{shard}" for shard in range(self.name_shards))]

    def bears(self, shards: int) -> bool:
        """Whether the log is kept by key, and spread over so many shards."""
        return self.hot_since is not None and self.log_shards >= shards

    @property
    def keyed_since(self) -> int | None:
        """Whatever was received after this time is in the log by its keys, too, if it is there by its name.

        now        hot, or a shape is new          keyed_since
        matcher    may know no better for FRESH ── knows
        clocks     ──────── SKEW ─────────────────
        """
        return None if self.hot_since is None else max(self.hot_since, self.changed) + SKEW + FRESH * 1000


class Names:
    """Reads what is known of names, strongly consistent, and adds to it."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read: dict[str, tuple[float, Name]] = {}

    def of(self, event_name: str) -> Name:
        """As it is now: what was added before this call is there."""
        item = self._table.get(NameItem, _pk(event_name), _SK)
        return self._remember(event_name, Name() if item is None else _name(item))

    def recent(self, event_name: str) -> Name:
        """As it was at most ``FRESH`` seconds ago: mostly without a request."""
        read = self._read.get(event_name)
        return read[1] if read and monotonic() - read[0] < FRESH else self.of(event_name)

    def add(self, event_name: str, shape: str) -> bool:
        """Adds a shape with paths; false if the name has as many as it may."""
        if shape in self.recent(event_name).shapes:
            return True
        shapes = NameItem.shapes
        free = shapes.does_not_exist() | (size(shapes) < MAX_SHAPES)
        actions: list[Action] = [shapes.add({shape}), NameItem.changed.set(now())]
        return shape in self._update(event_name, actions, free & ~shapes.contains(shape)).shapes

    def spread_waits(self, event_name: str, shards: int) -> int:
        """Spreads the waits without a key over at least so many keys; returns over how many they are now."""
        if (known := self.recent(event_name).name_shards) >= shards:
            return known
        fewer = NameItem.name_shards.does_not_exist() | (NameItem.name_shards < shards)
        return self._update(event_name, [NameItem.name_shards.set(shards)], fewer).name_shards

    def spread_log(self, event_name: str, shards: int) -> Name:
        """Spreads the log over at least so many partitions a day; from now on it is also kept by key."""
        fewer = NameItem.log_shards.does_not_exist() | (NameItem.log_shards < shards)
        hot = NameItem.hot_since.set(NameItem.hot_since | now())
        return self._update(event_name, [NameItem.log_shards.set(shards), hot], fewer)

    def _update(self, event_name: str, actions: list[Action], condition: Condition) -> Name:
        """The name as it is after the update, or as it is because the condition did not hold. One request."""
        try:
            item = self._table.update(NameItem, _pk(event_name), _SK, actions, condition)
        except ConditionFailedError as error:
            if error.item is None:  # cannot be: the conditions hold for a name of which nothing is known yet
                raise
            item = NameItem.from_raw_data(error.item)
        return self._remember(event_name, _name(item))

    def _remember(self, event_name: str, name: Name) -> Name:
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[event_name] = (monotonic(), name)
        return name


_SK = "name"


def _pk(event_name: str) -> str:
    return f"name#{event_name}"


def _name(item: NameItem) -> Name:
    return Name(
        frozenset(item.shapes or ()),
        int(item.changed or 0),
        int(item.name_shards or 0),
        int(item.log_shards or 1),
        None if item.hot_since is None else int(item.hot_since),
    )
