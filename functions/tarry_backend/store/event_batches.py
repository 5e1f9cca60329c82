"""The batches of events. Each change of a key's batches is one conditional update.

The item has where each event is, under the id of the run that it would start by itself. So an event that comes twice is
one member.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.condition import size

from tarry_backend.model.event_batch import EventBatch, Member
from tarry_backend.store.due_index import BATCHES
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import due_shard
from tarry_backend.store.table import ConditionFailedError
from tarry_backend.store.window_items import BatchItem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from tarry_backend.store.table import Table

__all__ = ["EventBatches"]

_IDLE = 30 * 86_400
"""How many seconds the item of a key is stored after its last batch."""


class EventBatches:
    """The batches of one table, by the name of their key. Each method makes one request.

    A method that changes them returns whether it did: not if they are no longer as they were ``seen``.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, name: str) -> EventBatch:
        """Return the batches, strongly consistent."""
        item = self._table.get(BatchItem, _pk(name), BATCHES)
        return EventBatch() if item is None else _batch(item)

    def add(
        self, name: str, seen: EventBatch, new: Mapping[str, Member], most: int, open_for: int
    ) -> EventBatch | None:
        """Add events to the open batch; return it, or ``None`` if another batch is open by now, or it has no room.

        Others may add to the same batch meanwhile. That an event was in no batch was asked after ``seen`` was read. So
        if that batch is still the open one, the event is in none, or in this one:

            matcher 1    seen: 3 ── traces: none ────────────── 3 is open: added
            matcher 2                  added to 3 ── closed: 4     (then matcher 1 is refused, and asks again)
        """
        first = min(member.place.position.received_at for member in new.values())
        opened = first if seen.opened is None else min(seen.opened, first)
        due = opened + open_for if seen.due is None else min(seen.due, opened + open_for)
        actions: list[Action] = [
            BatchItem.size.set((BatchItem.size | 0) + sum(member.size for member in new.values())),
            BatchItem.opened.set(opened),
            BatchItem.due.set(due),
            BatchItem.due_shard.set(due_shard(name)),
            BatchItem.expires.remove(),
        ]
        if seen.number == 0:
            texts = {run_id: member.text() for run_id, member in new.items()}
            actions += [BatchItem.members.set(texts), BatchItem.number.set(1)]
            return self._update(name, actions, Item.pk.does_not_exist())
        actions += [BatchItem.members[run_id].set(member.text()) for run_id, member in new.items()]
        same = (BatchItem.number == seen.number) & (size(BatchItem.members) <= most - len(new))
        same &= _as(BatchItem.opened, seen.opened) & _as(BatchItem.due, seen.due)
        for run_id in new:
            same &= BatchItem.members[run_id].does_not_exist()
        return self._update(name, actions, same)

    def close(self, name: str, seen: EventBatch, moment: int) -> EventBatch | None:
        """Close the open batch with the members that were seen, and open the next one, which is empty."""
        actions = [
            BatchItem.closing.set(_text(seen.members)),
            BatchItem.members.set({}),
            BatchItem.number.set(seen.number + 1),
            BatchItem.size.set(0),
            BatchItem.opened.remove(),
            BatchItem.due.set(moment),
            BatchItem.due_shard.set(due_shard(name)),
        ]
        same = (BatchItem.number == seen.number) & (size(BatchItem.members) == len(seen.members))
        return self._update(name, actions, same & BatchItem.closing.does_not_exist())

    def started(self, name: str, seen: EventBatch, open_for: int, moment: int) -> EventBatch | None:
        """Note that the start of the closed batch was sent. The open one, if it has members, is due in its time."""
        actions: list[Action] = [BatchItem.closing.remove()]
        if seen.opened is None:
            actions += [BatchItem.due.remove(), BatchItem.due_shard.remove(), BatchItem.expires.set(_expires(moment))]
        else:
            actions.append(BatchItem.due.set(seen.opened + open_for))
        same = (BatchItem.closing == _text(seen.closing)) & _as(BatchItem.opened, seen.opened)
        return self._update(name, actions, same)

    def look_at(self, name: str, seen: EventBatch, due: int) -> EventBatch | None:
        """Let the open batch be looked at then."""
        same = (BatchItem.number == seen.number) & _as(BatchItem.opened, seen.opened)
        return self._update(name, [BatchItem.due.set(due)], same)

    def _update(self, name: str, actions: list[Any], condition: Condition) -> EventBatch | None:
        try:
            return _batch(self._table.update(BatchItem, _pk(name), BATCHES, actions, condition))
        except ConditionFailedError:
            return None


def _pk(name: str) -> str:
    return f"batch#{name}"


def _as(attribute: Any, value: int | None) -> Condition:
    same: Condition = attribute.does_not_exist() if value is None else attribute == value
    return same


def _expires(moment: int) -> int:
    return moment // 1000 + _IDLE


def _text(members: Mapping[str, Member]) -> str:
    return json.dumps({run_id: member.text() for run_id, member in sorted(members.items())})


def _batch(item: BatchItem) -> EventBatch:
    members = {} if item.members is None else item.members.as_dict()
    return EventBatch(
        int(item.number),
        {run_id: Member.parse(text) for run_id, text in members.items()},
        None if item.opened is None else int(item.opened),
        int(item.size),
        {run_id: Member.parse(text) for run_id, text in json.loads(item.closing or "{}").items()},
        None if item.due is None else int(item.due),
    )
