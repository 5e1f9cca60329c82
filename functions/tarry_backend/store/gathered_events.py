"""The events that are gathered before they start a run, each in the partition of the run that it may start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.gathered_event import GatheredEvent
from tarry_backend.store.step_items import run_pk
from tarry_backend.store.table import ConditionFailedError
from tarry_backend.store.window_items import GatheredItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.store.table import Table

__all__ = ["KEPT", "GatheredEvents"]

KEPT = 30 * 86_400
"""For how many seconds it is stored that an event was gathered: for as long it may come again, out of a queue."""

_SK = "gathered"


class GatheredEvents:
    """The gathered events of one table. Each method makes one request."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, event: GatheredEvent, moment: int) -> GatheredEvent:
        """Store the event, unless it is stored; return it as it is stored then: as it was first received."""
        actions = [
            GatheredItem.window.set(event.window),
            GatheredItem.place.set(json.dumps(event.place.fields())),
            GatheredItem.expires.set(moment // 1000 + KEPT),
        ]
        try:
            self._table.update(GatheredItem, run_pk(event.run_id), _SK, actions, GatheredItem.pk.does_not_exist())
        except ConditionFailedError as error:
            return event if error.item is None else _event(GatheredItem.from_raw_data(error.item))
        return event

    def some(self, run_ids: Iterable[str]) -> list[GatheredEvent]:
        """Return the events that would start these runs, as far as they were gathered; eventually consistent."""
        items, _ = self._table.get_many([(run_pk(run_id), _SK) for run_id in run_ids], model=GatheredItem)
        return [_event(item) for item in items]


def _event(item: GatheredItem) -> GatheredEvent:
    return GatheredEvent(item.pk.partition("#")[2], item.window, EventPlace.parse(*json.loads(item.place)))
