"""The windows of debounces. Each change of a key's windows is one conditional write."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tarry_backend.model.calm import CALM, Calm, Spans, Window
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.position import Position
from tarry_backend.store.due_index import CALMS
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import due_shard
from tarry_backend.store.table import ConditionFailedError
from tarry_backend.store.window_items import CalmItem, FiredItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.store.table import Table

__all__ = ["Calms", "Fired"]

_IDLE = 30 * 86_400
"""How many seconds the item of a key is stored after its last window: for as long an absorbed event may come again."""

_FIRED = "fired#"


class Fired(NamedTuple):
    """The run that a window's latest event starts, and when that was decided (Unix milliseconds), for receipts."""

    run_id: str
    moment: int


class Calms:
    """The windows of one table, by the name of their key. Each method makes one request."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, name: str) -> Calm:
        """Return the windows, strongly consistent."""
        item = self._table.get(CalmItem, _pk(name), CALMS)
        return CALM if item is None else _calm(item)

    def join(self, name: str, places: Sequence[EventPlace], spans: Spans) -> tuple[bool, Calm]:
        """Add events, in their order, if they are the latest of the one open window, or open it.

        Return whether they were added, and the windows as they are then. The condition asks for all that
        ``Calm.with_event`` would ask for: nothing is in the way of these events, or between them.

            through ── first ≤ a ─────── latest ≥ a - period ── b > latest, ≤ first + timeout
        """
        first, last = places[0].position, places[-1]
        is_open = (
            (CalmItem.first <= first.received_at)
            & (CalmItem.latest < last.position.text())
            & (CalmItem.latest >= Position(max(0, first.received_at - spans.period)).text())
        )
        if spans.timeout is not None:
            is_open &= CalmItem.first >= last.position.received_at - spans.timeout
        is_new = CalmItem.through.does_not_exist() | (CalmItem.through < first.text())
        condition = CalmItem.later.does_not_exist() & is_new & (CalmItem.first.does_not_exist() | is_open)
        actions = [
            CalmItem.first.set(CalmItem.first | first.received_at),
            CalmItem.latest.set(last.position.text()),
            CalmItem.latest_name.set(last.name),
            CalmItem.due.set(CalmItem.due | spans.first_look(first.received_at)),
            CalmItem.due_shard.set(due_shard(name)),
            CalmItem.version.add(1),
            CalmItem.expires.remove(),
        ]
        try:
            return True, _calm(self._table.update(CalmItem, _pk(name), CALMS, actions, condition))
        except ConditionFailedError as error:
            return False, CALM if error.item is None else _calm(CalmItem.from_raw_data(error.item))

    def replace(self, name: str, seen: Calm, calm: Calm, moment: int) -> bool:
        """Store the windows in the place of those that were ``seen``; return false if they have changed meanwhile."""
        same = CalmItem.version == seen.version if seen.version else Item.pk.does_not_exist()
        try:
            self._table.put(_item(name, replace(calm, version=seen.version + 1), moment), same)
        except ConditionFailedError:
            return False
        return True

    def note(self, name: str, window: Window, run_id: str, moment: int) -> None:
        """Note which run a window's end starts. It absorbed every event up to its latest, and behind the one before."""
        sk = f"{_FIRED}{window.latest.position.text()}"
        self._table.put(FiredItem(_pk(name), sk, run=run_id, moment=moment, expires=moment // 1000 + _IDLE))

    def absorber(self, name: str, position: Position) -> Fired | None:
        """Return what became of the window of the event at that position; ``None`` if it is open."""
        behind = FiredItem.sk.between(f"{_FIRED}{position.text()}", f"{_FIRED}\U0010ffff")
        for item in self._table.query(FiredItem, _pk(name), behind, limit=1):
            return Fired(item.run, int(item.moment))
        return None


def _pk(name: str) -> str:
    return f"calm#{name}"


def _item(name: str, calm: Calm, moment: int) -> CalmItem:
    item = CalmItem(_pk(name), CALMS, version=calm.version)
    if calm.windows:
        first, *later = calm.windows
        item.first, item.latest, item.latest_name = first.first, first.latest.position.text(), first.latest.name
        item.later = _text(later)
    item.through = None if calm.through is None else calm.through.text()
    item.firing = _text(calm.firing)
    if calm.due is None:
        item.expires = moment // 1000 + _IDLE
    else:
        item.due, item.due_shard = calm.due, due_shard(name)
    return item


def _calm(item: CalmItem) -> Calm:
    windows: list[Window] = []
    if item.first is not None and item.latest is not None:
        place = EventPlace(Position.parse(item.latest), item.latest_name or "")
        windows = [Window(int(item.first), place), *_windows(item.later)]
    return Calm(
        tuple(windows),
        None if item.through is None else Position.parse(item.through),
        tuple(_windows(item.firing)),
        None if item.due is None else int(item.due),
        int(item.version),
    )


def _text(windows: Sequence[Window]) -> str | None:
    return json.dumps([[each.first, *each.latest.fields()] for each in windows]) if windows else None


def _windows(text: str | None) -> list[Window]:
    return [Window(first, EventPlace.parse(*fields)) for first, *fields in json.loads(text or "[]")]
