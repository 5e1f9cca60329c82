"""Gates and their lines. Each change is one conditional update, so that no two changes overlap.

A gate's item has the runs that hold a place, at most as many as its limit. Its line is a partition of its own, in the
order of the events that started the runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.expressions.condition import size

from tarry_backend.model.gate import GateState, Hold, Waiter
from tarry_backend.model.token import new_token
from tarry_backend.store.due_index import GATE
from tarry_backend.store.gate_items import GateItem, WaiterItem
from tarry_backend.store.leases import HELD
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import due_shard
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from tarry_backend.store.table import Table

__all__ = ["Gates", "waiter_place"]

_IDLE = 30 * 86_400
"""How many seconds the item of a gate is stored after its last use. The sweep renews it while runs wait."""

_LOOKS = 300_000
"""After how many milliseconds the sweep looks again at a gate at which runs still wait."""

_SK = GATE


def waiter_place(received_at: int, run_id: str, ahead: int = 0) -> str:
    """Return where a run stands in a line: by the time of the event that started it, ``ahead`` by its priority.

    Both are milliseconds.
    """
    return f"{max(0, received_at - ahead):015d}#{run_id}"


class Gates:
    """The gates of one table. Each method makes one request, unless it says otherwise.

    A method that changes a gate returns whether it did, and the gate as it is then; ``None`` if there is no item yet.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, name: str) -> GateState | None:
        """Return the gate, strongly consistent."""
        item = self._table.get(GateItem, _pk(name), _SK)
        return None if item is None else _state(item)

    def take(self, name: str, run_id: str, hold: Hold, limit: int, moment: int) -> tuple[bool, GateState | None]:
        """Take a place: the run's own, or a free one if no run waits. One request more if the gate is new.

        newcomer    take: refused, since others wait ── park
        waiter              granted ─────────────────────────── take: its own
        """
        mine = GateItem.holders[run_id].exists()
        free = GateItem.waiting.does_not_exist() & _has_room(limit)
        actions = [GateItem.holders[run_id].set(hold.text()), GateItem.granted.delete({run_id}), _kept(hold, moment)]
        done, state = self._update(name, actions, mine | free)
        if state is None and limit > 0:
            first = [GateItem.holders.set({run_id: hold.text()}), _kept(hold, moment)]
            done, state = self._update(name, first, Item.pk.does_not_exist())
            if not done:  # another run was first
                return self.take(name, run_id, hold, limit, moment)
        return done, state

    def prolong(self, name: str, run_id: str, hold: Hold, longer: Hold) -> None:
        """Let a hold last longer, if it is still there."""
        same = GateItem.holders[run_id] == hold.text()
        self._update(name, [GateItem.holders[run_id].set(longer.text())], same)

    def stand_in_line(self, name: str, place: str, moment: int, woken: int = 0) -> None:
        """Put the run into the line, or let it begin to wait anew where it stands.

        ``woken`` is the time at which a timer woke it. It has passed, whatever the next executor's clock says: else the
        timer's message would be done with, and the sleep not over. After ten days the sweep sees to its leases.
        """
        actions: list[Action] = [
            WaiterItem.stamp.set(new_token()),
            WaiterItem.since.set(WaiterItem.since | moment),
            WaiterItem.due.set(moment + HELD),
            WaiterItem.due_shard.set(due_shard(place)),
            *([WaiterItem.woken.set(woken)] if woken else []),
        ]
        self._table.update(WaiterItem, _line(name), place, actions)

    def mark(self, name: str, limit: int, moment: int) -> tuple[bool, GateState | None]:
        """Note that runs wait, if the gate is full or runs wait already. Else there may be room.

        The note and the question are one update. So a run that leaves sees the note, or the run that waits finds room:

            waiter    in line ── mark: full, noted                  in line                ── mark: there is room
            holder                          release: sees it                 release: no note
        """
        full = GateItem.waiting.exists() | (GateItem.holders.exists() & (size(GateItem.holders) >= limit))
        done, state = self._update(name, _waiting(name, moment), full)
        if state is None and limit <= 0:
            first = [GateItem.holders.set({}), *_waiting(name, moment)]
            return self._update(name, first, Item.pk.does_not_exist())
        return done, state

    def release(self, name: str, run_id: str, hold: Hold, moment: int) -> tuple[bool, GateState | None]:
        """Give a place back, if it is still that hold: a late request of an executor that died changes nothing."""
        actions = [GateItem.holders[run_id].remove(), _kept(hold, moment)]
        return self._update(name, actions, GateItem.holders[run_id] == hold.text())

    def leave(self, name: str, run_id: str) -> tuple[bool, GateState | None]:
        """Take any place away from a run that does not use it: it has ended, or is not to go on."""
        actions: list[Action] = [GateItem.holders[run_id].remove(), GateItem.granted.delete({run_id})]
        return self._update(name, actions, GateItem.holders[run_id].exists())

    def line(self, name: str, most: int) -> list[Waiter]:
        """Return the first runs of the line, strongly consistent."""
        return [_waiter(item) for item in self._table.query(WaiterItem, _line(name), limit=most)]

    def waiter(self, name: str, place: str) -> Waiter | None:
        """Return the run at that place of the line, if it waits there."""
        item = self._table.get(WaiterItem, _line(name), place)
        return None if item is None else _waiter(item)

    def before(self, name: str, place: str, most: int) -> int:
        """Return how many runs are before that place, ``most`` at most."""
        return sum(1 for _ in self._table.query(WaiterItem, _line(name), WaiterItem.sk < place, limit=most))

    def grant(self, name: str, run_id: str, hold: Hold, limit: int, moment: int) -> tuple[bool, GateState | None]:
        """Grant a place to a waiting run, unless it has one or there is none.

        The gate counts as waited for until the run has begun. The line may have been read before that run was at work
        and rested, so it need not come for the place. If the grantor dies before it tells the run, nobody would know:

            run           waits ── takes ── rests
            grantor    reads line                  grant ── dies
            sweep                                                  the gate is waited for: tells the run
        """
        new = GateItem.holders[run_id].does_not_exist() & _has_room(limit)
        actions = [GateItem.holders[run_id].set(hold.text()), GateItem.granted.add({run_id})]
        return self._update(name, [*actions, *_waiting(name, moment, mark=False)], new)

    def forget(self, name: str, waiter: Waiter) -> None:
        """Take a waiter out of the line, unless it has begun to wait anew."""
        self._table.delete(_line(name), waiter.place, WaiterItem.stamp == waiter.stamp)

    def withdraw(self, name: str, place: str) -> None:
        """Take a run out of the line."""
        self._table.delete(_line(name), place)

    def clear(self, name: str, mark: str, moment: int) -> tuple[bool, GateState | None]:
        """Note that no run waits, if none has begun to since ``mark`` and every grant has been used.

        admitter    mark seen ── line read: empty                     clear: another mark, so reads again
        waiter                                    in line ── mark
        """
        same = (GateItem.mark == mark) & GateItem.granted.does_not_exist()
        actions = [GateItem.waiting.remove(), GateItem.due.remove(), GateItem.due_shard.remove(), _expires(moment)]
        return self._update(name, actions, same)

    def touch(self, name: str, moment: int) -> tuple[bool, GateState | None]:
        """Let the sweep come again in five minutes, if runs wait."""
        return self._update(name, [GateItem.due.set(moment + _LOOKS), _expires(moment)], GateItem.waiting.exists())

    def drop(self, name: str, run_id: str, hold: Hold) -> tuple[bool, GateState | None]:
        """Take back a hold whose time is over, or whose run has ended, if it is still that one."""
        actions: list[Action] = [GateItem.holders[run_id].remove(), GateItem.granted.delete({run_id})]
        return self._update(name, actions, GateItem.holders[run_id] == hold.text())

    def _update(self, name: str, actions: list[Action], condition: Condition) -> tuple[bool, GateState | None]:
        try:
            return True, _state(self._table.update(GateItem, _pk(name), _SK, actions, condition))
        except ConditionFailedError as error:
            return False, None if error.item is None else _state(GateItem.from_raw_data(error.item))


def _pk(name: str) -> str:
    return f"gate#{name}"


def _line(name: str) -> str:
    return f"line#{name}"


def _has_room(limit: int) -> Condition:
    room: Condition = GateItem.holders.exists() & (size(GateItem.holders) < limit)
    return room


def _waiting(name: str, moment: int, *, mark: bool = True) -> list[Action]:
    """Return what notes that runs wait. The due time stays: else runs that come all the time would defer the sweep."""
    return [
        GateItem.waiting.set(GateItem.waiting | moment),
        GateItem.due.set(GateItem.due | moment),
        GateItem.due_shard.set(due_shard(name)),
        *([GateItem.mark.set(new_token())] if mark else []),
    ]


def _kept(hold: Hold, moment: int) -> Action:
    """A gate with places that last until the ends of runs never expires: a run may rest for a year."""
    return GateItem.expires.remove() if hold.kind == "run" else _expires(moment)


def _expires(moment: int) -> Action:
    return GateItem.expires.set(moment // 1000 + _IDLE)


def _state(item: GateItem) -> GateState:
    holds = {} if item.holders is None else item.holders.as_dict()
    return GateState(
        {run_id: Hold.parse(text) for run_id, text in holds.items()},
        None if item.waiting is None else int(item.waiting),
        item.mark or "",
        frozenset(item.granted or ()),
    )


def _waiter(item: WaiterItem) -> Waiter:
    return Waiter(item.sk.partition("#")[2], item.sk, item.stamp, int(item.since), int(item.woken or 0))
