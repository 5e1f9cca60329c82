"""Runs and their steps: one partition a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import TarryError
from tarry_backend.model.run import RunSnapshot, RunStatus
from tarry_backend.model.step import Status
from tarry_backend.model.trace import Trace
from tarry_backend.store.leases import Leases
from tarry_backend.store.life_items import PAST, past_step, retire_past
from tarry_backend.store.models import AliasItem, CancelRequestItem, Item, RunItem, StepItem
from tarry_backend.store.run_items import RunItems
from tarry_backend.store.run_objects import note_objects
from tarry_backend.store.run_starts import trace_of
from tarry_backend.store.step_items import (
    StepItems,
    alias_items,
    alias_of,
    alias_sk,
    can_be_key,
    ended_alias_item,
    run_pk,
    step_sk,
)
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pynamodb.expressions.condition import Condition

    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.life import PastStep
    from tarry_backend.model.run import Alias, Run
    from tarry_backend.model.step import Step
    from tarry_backend.store.large_values import Values
    from tarry_backend.store.table import Batch, Table

__all__ = ["ConflictError", "Runs"]

_MARKED_DAYS = 30
"""How many days at least a request to cancel a run is stored. A dead letter is stored for half as long."""


_EARLIER = 3_600_000
"""How much earlier, in milliseconds, than its run a step began that is of another run with the same id. Clocks differ
by much less."""


class ConflictError(TarryError):
    """Another writer was first. The message goes back to its queue, and a further delivery reads the run anew."""


class Runs:
    """The runs of one table. ``days`` is how long they are stored after their end. The run's own item goes last."""

    def __init__(self, table: Table, values: Values, days: int) -> None:
        self._table = table
        self._values = values
        self.leases = Leases(days)
        self.items = RunItems(values, self.leases)
        self._steps = StepItems(values)
        self._days = days

    def create(self, run: Run) -> bool:
        """Store a new run; return false if its id exists already: an event starts a function once."""
        try:
            self._put(self.items.item(run), _NEW)
        except ConflictError:
            return False
        return True

    def load(self, run_id: str) -> RunSnapshot | None:
        """Read the run's whole partition, strongly consistent; return ``None`` if there is no such run."""
        run: Run | None = None
        steps: list[Step] = []
        aliases: list[Alias] = []
        past: list[PastStep] = []
        for item in self._table.query(Item, run_pk(run_id)) if can_be_key(run_pk(run_id)) else ():
            if isinstance(item, RunItem):
                run = None if item.trace else self.items.run(item)
            elif isinstance(item, StepItem) and item.sk.startswith(PAST):
                past.append(past_step(item, self._steps))
            elif isinstance(item, StepItem):
                steps.append(self._steps.step(item))
            elif isinstance(item, AliasItem):
                aliases.append(alias_of(item))
        steps.sort(key=lambda step: step.begun_order)
        own = tuple(step for step in steps if not step.is_guard)
        guards = tuple(step for step in steps if step.is_guard)
        return RunSnapshot(run, own, tuple(aliases), guards, _has_remnants(run, steps), tuple(past)) if run else None

    def run(self, run_id: str) -> Run | None:
        """Return the run without its steps, strongly consistent."""
        found = self.run_or_trace(run_id)
        return None if isinstance(found, Trace) else found

    def run_or_trace(self, run_id: str) -> Run | Trace | None:
        """Return the run without its steps, or why an event did not start it; strongly consistent."""
        item = self._table.get(RunItem, run_pk(run_id), "run") if can_be_key(run_pk(run_id)) else None
        return None if item is None else trace_of(item) or self.items.run(item)

    def some(self, run_ids: Iterable[str]) -> dict[str, Run]:
        """Return those of these runs that exist, without their steps, by id; eventually consistent."""
        items, _ = self._table.get_many([(run_pk(run_id), "run") for run_id in run_ids])
        return {run.id: run for run in map(self.items.run, (item for item in items if item.trace is None))}

    def decided(self, run_ids: Iterable[str]) -> dict[str, str | None]:
        """Return which of these ids have a run, or a trace in its place, and because of which run if it is a trace.

        Strongly consistent, 100 a request.

        Raises:
            ConflictError: DynamoDB has not answered for all of them.
        """
        keys = [(run_pk(run_id), "run") for run_id in run_ids]
        found, is_whole = self._table.get_many(keys, consistent=True)
        if not is_whole:
            raise ConflictError("the table is throttled: SQS delivers the message again")
        return {item.pk.partition("#")[2]: trace.by if (trace := trace_of(item)) else None for item in found}

    def step(self, run_id: str, key: str) -> Step | None:
        """Return one step, strongly consistent."""
        item = self._table.get(StepItem, run_pk(run_id), step_sk(key))
        return None if item is None else self._steps.step(item)

    def save(self, run: Run) -> None:
        """Store the run as it is now; raise ``ConflictError`` if it has ended meanwhile."""
        self._put(self.items.item(run), _RUNNING)

    def keep(self, run_id: str, step: Step, *, is_new: bool) -> None:
        """Store a step with its result, its wait and its timer, in one write."""
        aliases = alias_items(run_id, step) if step.status is Status.WAITING else []
        if aliases:  # first: an alias without its wait finds nothing, a wait without its alias is not found
            with self._table.batch() as batch:
                for alias in aliases:
                    batch.save(alias)
        self._put(self._steps.item(run_id, step), _NEW if is_new else _OPEN)

    def end_step(self, snapshot: RunSnapshot, step: Step, moment: int) -> RunSnapshot:
        """Store an open step that has ended, with its lease; return the run with it."""
        ended = snapshot.with_step(step)
        step = replace(step, expires=self.leases.of(moment, ended.until))
        self.keep(snapshot.run.id, step, is_new=False)
        return ended.with_step(step)

    def hold(self, snapshot: RunSnapshot, until: int) -> RunSnapshot:
        """Return the run after the leases of its steps are long enough until then, and until the run is due."""
        for step in self.held(snapshot.run.id, snapshot.parts, max(until, snapshot.until)):
            snapshot = snapshot.with_step(step)
        return snapshot

    def held(self, run_id: str, steps: Iterable[Step], until: int) -> list[Step]:
        """Remove the lease of each of these steps that is too short until then; return the steps so written.

        An ended step never changes, and a run has one executor. So this write needs no condition.
        """
        held = [replace(step, expires=None) for step in self.leases.short(steps, until)]
        with self._table.batch() as batch:
            for step in held:
                batch.save(self._steps.item(run_id, step))
        return held

    def drop(self, run_id: str, step: Step) -> None:
        """Move the further keys of an ended wait to where events do not find them."""
        with self._table.batch() as batch:
            for alias in alias_items(run_id, step):
                batch.save(alias)

    def retire(self, snapshot: RunSnapshot, ended: int) -> None:
        """Withdraw the open steps of a run that has ended, and see to it that time to live removes its steps.

        Most ended steps have a lease that is right already: then there is nothing to write.
        """
        run, expires = snapshot.run, self.leases.after_end(ended)
        steps = {
            step.key: _withdrawn(step, run.cancellation, ended) if step.is_open else step for step in snapshot.parts
        }
        with self._table.batch() as batch:
            for step in steps.values():
                if not self.leases.is_kept(step.expires, ended):
                    batch.save(self._steps.item(run.id, replace(step, expires=expires)))
        with self._table.batch() as batch:
            _retire_aliases(batch, snapshot, steps, expires)
            retire_past(batch, snapshot, self._steps, expires)
            note_objects(batch, run.id, ended, self._values, self.leases)

    def request_cancel(self, run_ids: Iterable[str], now: int) -> None:
        """Mark these runs as to be cancelled, before the messages arrive that cancel them.

        An executor that works on a run stops at the mark. A start that was a dead letter meanwhile finds the mark when
        it is redriven, so the mark stays longer than a dead letter does.
        """
        expires = now // 1000 + max(self._days, _MARKED_DAYS) * 86_400
        with self._table.batch() as batch:
            for run_id in run_ids:
                batch.save(CancelRequestItem(run_pk(run_id), _CANCEL_REQUEST, expires=expires))

    def is_cancel_requested(self, run_id: str) -> bool:
        """Return whether there is a request to cancel the run; strongly consistent."""
        return self._table.get(CancelRequestItem, run_pk(run_id), _CANCEL_REQUEST) is not None

    def note(self, run_id: str, key: str, text: str) -> None:
        """Write a note for people on an open wait; do nothing if the wait has ended meanwhile."""
        waits = StepItem.status == Status.WAITING.value
        with suppress(ConditionFailedError):
            self._table.update(StepItem, run_pk(run_id), step_sk(key), [StepItem.note.set(text)], waits)

    def _put(self, item: RunItem | StepItem, condition: Condition) -> None:
        try:
            self._table.put(item, condition)
        except ConditionFailedError as error:
            raise ConflictError(f"another writer changed {item.pk} {item.sk} meanwhile") from error


_CANCEL_REQUEST = "stop"

# A new run, step or claim: it has no item yet. If the write took effect but its answer was lost, the repeated
# write is a conflict, the queue delivers the message again, and the replay finds the step stored.
_NEW = Item.pk.does_not_exist()

# A step that goes on: it is still open. An executor that seemed dead and writes late loses here.
_OPEN = StepItem.status.is_in(
    *(each.value for each in (Status.WAITING, Status.SLEEPING, Status.RETRYING, Status.INVOKING, Status.BEGUN))
)

# A run ends once.
_RUNNING = RunItem.status == RunStatus.RUNNING.value


def _retire_aliases(batch: Batch, snapshot: RunSnapshot, steps: Mapping[str, Step], expires: int) -> None:
    """Move the further keys to where ended steps are, as all steps have ended, and let time to live remove them."""
    run_id = snapshot.run.id
    items: dict[str, AliasItem] = {}
    for alias in snapshot.aliases:
        sk = alias_sk(alias.step_key, alias.number)
        if (step := steps.get(alias.step_key)) is None:
            batch.delete(run_pk(run_id), sk)  # its executor died before it wrote the wait itself
        else:
            items[sk] = ended_alias_item(run_id, alias, step)
    items |= {item.sk: item for step in steps.values() for item in alias_items(run_id, step)}
    for item in items.values():
        item.expires = expires
        batch.save(item)


def _has_remnants(run: Run, steps: Iterable[Step]) -> bool:
    """Return whether some steps are of an earlier run of this id: they began long before this run started.

    That run ended weeks before, or its item would still be there. A rerun begins with copies of older steps, and
    without remnants: see ``RunLives.restore``.

        run of this id    steps ── ended ──── weeks ──── its item is removed
        this run                                             started ── steps
    """
    return run.origin is None and any(step.began < run.started - _EARLIER for step in steps)


def _withdrawn(step: Step, cancellation: Cancellation | None, now: int) -> Step:
    """Return the step as its run's end leaves it. The guard whose event cancelled the run names that event."""
    wait = step.wait
    if step.is_guard and wait and cancellation and cancellation.event_name == wait.event_name:
        wait = wait.resolved(cancellation.position)
    return replace(step, status=Status.WITHDRAWN, ended=step.ended or now, wait=wait)
