"""The remote apps of a stack: what their syncs brought.

item      pk                              sk
app       remote                          app#<app>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import BinaryAttribute, NumberAttribute

from tarry_backend.clock import now
from tarry_backend.store.models import Item
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.store.large_values import Values
    from tarry_backend.store.table import Table

__all__ = ["RemoteAppItem", "RemoteApps"]

_PK, _PREFIX = "remote", "app#"


class RemoteAppItem(Item):
    """A remote app. ``manifest`` is a packed value, ``synced`` when its sync changed it last (Unix milliseconds)."""

    manifest = BinaryAttribute(legacy_encoding=False)
    synced = NumberAttribute()


class RemoteApps:
    """The remote apps of one table. All of them are read by one request."""

    def __init__(self, table: Table, values: Values) -> None:
        self._table = table
        self._values = values

    def all(self) -> Mapping[str, tuple[str, int]]:
        """Return by each app's id its manifest, and when that last changed."""
        return {
            item.sk.removeprefix(_PREFIX): (self._values.unpack(item.manifest), int(item.synced))
            for item in self._table.query(RemoteAppItem, _PK)
        }

    def put(self, app_id: str, manifest: str) -> bool:
        """Store an app's manifest; return whether it differs from the one before."""
        packed = self._values.pack(manifest, f"remote/{app_id}")
        item = RemoteAppItem(_PK, f"{_PREFIX}{app_id}", manifest=packed, synced=now())
        try:
            self._table.put(item, ~RemoteAppItem.pk.exists() | (RemoteAppItem.manifest != packed))
        except ConditionFailedError:
            return False
        return True

    def remove(self, app_id: str) -> bool:
        """Remove an app; return whether it was there. Its runs are parked until it is synced again."""
        return self._table.delete(_PK, f"{_PREFIX}{app_id}", RemoteAppItem.pk.exists())
