"""Bulks: what is known of the commands that retry or rerun many runs. A command drives its bulk itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from tarry_backend.model.bulk import Bulk
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import can_be_key
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from tarry_backend.store.table import Table

__all__ = ["BulkItem", "Bulks"]

_KEPT = 30 * 86_400
"""How many seconds a bulk is stored after it was last heard of."""


class BulkItem(Item):
    """How far a command has come that retries or reruns many runs, and whether somebody has asked it to stop."""

    what = UnicodeAttribute()
    began = NumberAttribute()
    told = NumberAttribute()
    total = NumberAttribute()
    done = NumberAttribute(default=0)
    stop = NumberAttribute(null=True)
    ended = UnicodeAttribute(null=True)


class Bulks:
    """The bulks of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, bulk_id: str) -> Bulk | None:
        """Return the bulk, or ``None``."""
        item = self._table.get(BulkItem, _pk(bulk_id), _SK) if can_be_key(_pk(bulk_id)) else None
        return None if item is None else _bulk(item)

    def begin(self, bulk_id: str, what: str, total: int, now: int, began: int) -> None:
        """Store that a command begins this bulk, or goes on with it. An earlier request to stop it counts no more."""
        item = BulkItem(_pk(bulk_id), _SK, what=what, began=began, told=now, total=total)
        item.expires = now // 1000 + _KEPT
        self._table.put(item)

    def tell(self, bulk_id: str, done: int, now: int, ended: str | None = None) -> Bulk:
        """Store how far the command has come, and return the bulk: somebody may have asked it to stop."""
        actions = [BulkItem.done.set(done), BulkItem.told.set(now), BulkItem.expires.set(now // 1000 + _KEPT)]
        actions += [] if ended is None else [BulkItem.ended.set(ended)]
        return _bulk(self._table.update(BulkItem, _pk(bulk_id), _SK, actions, Item.pk.exists()))

    def stop(self, bulk_id: str) -> Bulk | None:
        """Ask the command that drives the bulk to stop; return the bulk, or ``None`` if there is none."""
        if not can_be_key(_pk(bulk_id)):
            return None
        try:
            return _bulk(self._table.update(BulkItem, _pk(bulk_id), _SK, [BulkItem.stop.set(1)], Item.pk.exists()))
        except ConditionFailedError:
            return None


_SK = "bulk"


def _pk(bulk_id: str) -> str:
    return f"bulk#{bulk_id}"


def _bulk(item: BulkItem) -> Bulk:
    return Bulk(
        item.pk.partition("#")[2],
        item.what,
        int(item.began),
        int(item.told),
        int(item.total),
        int(item.done),
        item.stop is not None,
        item.ended,
    )
