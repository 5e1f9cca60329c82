"""Singletons: one item for each function and value of its key names the run that may run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.model.position import Position
from tarry_backend.model.singleton import Singleton
from tarry_backend.model.token import new_token
from tarry_backend.store.models import Item
from tarry_backend.store.start_items import SingletonItem
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from tarry_backend.store.start_items import Claim
    from tarry_backend.store.table import Table

__all__ = ["Singletons"]

_KEPT = 30 * 86_400
"""How many seconds a singleton is stored after its run has ended. A dead letter is stored for half as long."""

_SK = "single"


class Singletons:
    """The singletons of one table. Each method but ``claim`` makes one request."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @staticmethod
    def claim(name: str, before: Singleton | None, run_id: str, position: Position, after: str | None = None) -> Claim:
        """Return the claim of a run on the singleton, if the singleton is as it was read. It is in no index.

        It has no time to live while its run runs: the run's end gives it one.
        """
        turn = Singleton(run_id, position, after)
        item = SingletonItem(_pk(name), _SK, run_id=run_id, position=position.text(), after=after, stamp=turn.stamp)
        return item, Item.pk.does_not_exist() if before is None else SingletonItem.stamp == before.stamp

    def read(self, name: str) -> Singleton | None:
        """Return the singleton, strongly consistent."""
        item = self._table.get(SingletonItem, _pk(name), _SK)
        return None if item is None else _singleton(item)

    def begin(self, name: str, run_id: str) -> bool:
        """Note that the run begins, after the one before it has ended; return false if it is not its turn any more.

        A later event then waits for this run, and no more for the one before:

            run 1          runs ──────── ends
            run 2          waits for 1 ──────── begins
            run 3                                       waits for 2
            run 3, sooner                 waits for 1; run 2 does not begin
        """
        actions: list[Action] = [SingletonItem.after.remove(), SingletonItem.stamp.set(new_token())]
        return self._update(name, actions, SingletonItem.run_id == run_id) is None

    def end(self, name: str, run_id: str, moment: int) -> Singleton | None:
        """Note that the run has ended, if it is still its turn; else return whose turn it is."""
        actions: list[Action] = [
            SingletonItem.expires.set(moment // 1000 + _KEPT),
            SingletonItem.stamp.set(new_token()),
        ]
        return self._update(name, actions, SingletonItem.run_id == run_id)

    def _update(self, name: str, actions: list[Action], condition: Condition) -> Singleton | None:
        """Change the singleton; return it if the condition does not hold."""
        try:
            self._table.update(SingletonItem, _pk(name), _SK, actions, condition)
        except ConditionFailedError as error:
            return None if error.item is None else _singleton(SingletonItem.from_raw_data(error.item))
        return None


def _pk(name: str) -> str:
    return f"single#{name}"


def _singleton(item: SingletonItem) -> Singleton:
    return Singleton(item.run_id, Position.parse(item.position), item.after, item.stamp)
