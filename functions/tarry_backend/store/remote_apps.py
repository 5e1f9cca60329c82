"""The remote apps of a stack: what their syncs brought.

item      pk                              sk
app       remote                          app#<app>
cursor    crons                           cursor                       (up to when crons have been fired)
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from pynamodb.attributes import BinaryAttribute, NumberAttribute

from tarry.errors import LimitError
from tarry_backend.clock import now
from tarry_backend.store.models import CursorItem, Item
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.store.table import Table

__all__ = ["RemoteAppItem", "RemoteApps"]

_PK, _PREFIX = "remote", "app#"

_MOST = 300_000

_CRONS = ("crons", "cursor")


class RemoteAppItem(Item):
    """A remote app. ``manifest`` is compressed, ``synced`` when its sync changed it last (Unix milliseconds)."""

    manifest = BinaryAttribute(legacy_encoding=False)
    synced = NumberAttribute()


class RemoteApps:
    """The remote apps of one table. All of them are read by one request."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> Mapping[str, tuple[str, int]]:
        """Return by each app's id its manifest, and when that last changed."""
        return {
            item.sk.removeprefix(_PREFIX): (zlib.decompress(item.manifest).decode(), int(item.synced))
            for item in self._table.query(RemoteAppItem, _PK)
        }

    def put(self, app_id: str, manifest: str) -> bool:
        """Store an app's manifest; return whether it differs from the one before.

        Raises:
            LimitError: It does not fit into an item: the app has thousands of functions.
        """
        packed = zlib.compress(manifest.encode(), 6)
        if len(packed) > _MOST:
            raise LimitError(f"app {app_id!r} has {len(packed):,} bytes of functions; at most {_MOST:,} are allowed")
        item = RemoteAppItem(_PK, f"{_PREFIX}{app_id}", manifest=packed, synced=now())
        try:
            self._table.put(item, ~RemoteAppItem.pk.exists() | (RemoteAppItem.manifest != packed))
        except ConditionFailedError:
            return False
        return True

    def remove(self, app_id: str) -> bool:
        """Remove an app; return whether it was there. Its runs are parked until it is synced again."""
        return self._table.delete(_PK, f"{_PREFIX}{app_id}", RemoteAppItem.pk.exists())

    def cron_cursor(self, moment: int) -> int:
        """Return up to when the crons of remote apps have been fired; at first, that is ``moment``."""
        item = self._table.get(CursorItem, *_CRONS)
        return moment if item is None else int(item.until)

    def move_cron_cursor(self, moment: int) -> None:
        """Store up to when the crons have been fired."""
        self._table.put(CursorItem(*_CRONS, until=moment))
