"""The paces of throttles: one item for each function and value of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.store.models import Item
from tarry_backend.store.start_items import PaceItem
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from tarry_backend.model.pace import Pace
    from tarry_backend.store.table import Table

__all__ = ["Paces"]

_SK = "pace"

_SPARE = 86_400
"""How many seconds the item of a pace is stored after its next time, from when on it says nothing."""


class Paces:
    """The paces of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, name: str) -> int | None:
        """Return the next time that is free (Unix microseconds), ``None`` if no run has taken one lately."""
        item = self._table.get(PaceItem, f"pace#{name}", _SK)
        return None if item is None else int(item.next_at)

    def reserve(self, name: str, pace: Pace, moment: int) -> int:
        """Reserve the next time, and return when the run begins (Unix milliseconds, both). One request, or two.

        Each form is one update with a condition. So no two runs get one time. An executor that dies before it stores
        the run's time wastes it: a later run begins later than it could, and never too many begin.

            next behind    next ≤ now: next = now + interval
            next ahead                   next > now: next = next + interval
        """
        micros = moment * 1000
        behind = Item.pk.does_not_exist() | (PaceItem.next_at <= micros)
        while True:
            first = [PaceItem.next_at.set(micros + pace.interval), _expires(micros + pace.interval)]
            if self._update(name, first, behind) is not None:
                return moment
            later: list[Action] = [
                PaceItem.next_at.set(PaceItem.next_at + pace.interval),
                PaceItem.expires.set(PaceItem.expires + (1 + pace.interval // 1_000_000)),
            ]
            after = self._update(name, later, PaceItem.next_at > micros)
            if after is not None:
                return -(-pace.begins(after - pace.interval, micros) // 1000)

    def _update(self, name: str, actions: list[Action], condition: Condition) -> int | None:
        try:
            return int(self._table.update(PaceItem, f"pace#{name}", _SK, actions, condition).next_at)
        except ConditionFailedError:
            return None


def _expires(micros: int) -> Action:
    return PaceItem.expires.set(micros // 1_000_000 + _SPARE)
