"""Runs and their steps: one partition a run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactWrite

from tarry.errors import TarryError
from tarry_backend.model.cancellation import Cancellation, Reason
from tarry_backend.model.step import Failure, Status
from tarry_backend.store.event_json import event_of, event_text
from tarry_backend.store.models import (
    CONDITION_FAILED,
    AliasItem,
    CancelRequestItem,
    ClaimItem,
    Item,
    RunItem,
    StepItem,
)
from tarry_backend.store.step_items import StepItems, alias_items, awaited_by, due_shard, end_alias, run_pk, step_sk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pynamodb.expressions.condition import Condition

    from tarry.event import Event
    from tarry_backend.model.step import Step
    from tarry_backend.store.large_values import Values

__all__ = ["ONCE", "ConflictError", "Run", "RunSnapshot", "RunStatus", "Runs", "fn_status"]

ONCE = 24 * 3_600_000
"""For how many milliseconds after it was received an event that starts a run stands for its idempotency value."""

_LATE = 14 * 86_400
"""For how many seconds more its claim is kept: what was received within that time may lie in a queue so long."""


class ConflictError(TarryError):
    """Another writer was there first. The message goes back to its queue, and is read anew."""


class RunStatus(StrEnum):
    """Of a run."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it is kept. Times are Unix milliseconds; ``output`` is JSON text.

    ``attempt`` counts failures of the function itself since it last made progress, which is since it had
    ``attempt_steps`` ended steps; ``due`` is when the next attempt is made, or the first if the event is of a time to
    come. ``suspect`` is the message whose executor has died, ``deaths`` times. ``cancellation`` is why it is, or is to
    be, cancelled.
    """

    id: str
    function_id: str
    event: Event
    received_at: int
    started: int
    status: RunStatus = RunStatus.RUNNING
    ended: int | None = None
    output: str | None = None
    error: Failure | None = None
    attempt: int = 0
    attempt_steps: int = 0
    due: int | None = None
    suspect: str | None = None
    deaths: int = 0
    cancellation: Cancellation | None = None


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run with its steps, in the order in which they began, its guards, and the further keys of what waits."""

    run: Run
    steps: tuple[Step, ...] = ()
    aliases: tuple[AliasItem, ...] = ()
    guards: tuple[Step, ...] = ()

    @property
    def parts(self) -> tuple[Step, ...]:
        """Guards and steps."""
        return (*self.guards, *self.steps)

    def step(self, key: str) -> Step | None:
        """The step or guard of that key."""
        return next((step for step in self.parts if step.key == key), None)

    def with_step(self, step: Step) -> RunSnapshot:
        """The same with a step as it is now."""
        steps, guards = (
            tuple(step if old.key == step.key else old for old in parts) for parts in (self.steps, self.guards)
        )
        return replace(self, steps=steps, guards=guards)

    @property
    def ended_steps(self) -> int:
        """How many steps have ended."""
        return sum(not step.is_open for step in self.steps)

    @property
    def size(self) -> int:
        """How many characters of JSON the steps' outputs have."""
        return sum(len(step.output or "") for step in self.steps)

    @property
    def attempt(self) -> int:
        """The function's attempt, from 0: the first again once it has made progress."""
        return self.run.attempt if self.ended_steps == self.run.attempt_steps else 0

    def rests(self, moment: int) -> bool:
        """Whether the function's next attempt, or its first, is to come later than ``moment``. It does not if it has
        made progress since it failed: a step has ended that went on beside."""
        due = self.run.due
        return due is not None and due > moment and self.ended_steps == self.run.attempt_steps

    @property
    def next_order(self) -> int:
        """The order of the next beginning or end of a step."""
        return 1 + max((max(step.begun_order, step.ended_order or 0) for step in self.steps), default=0)


class Runs:
    """Reads and writes runs. ``days`` is how long they are kept once they have ended."""

    def __init__(self, values: Values, days: int) -> None:
        self._values = values
        self._steps = StepItems(values)
        self._days = days

    def create(self, run: Run) -> bool:
        """Keeps a new run; false if there is one of its id already: an event starts a function once."""
        try:
            _put(self._item(run), _NEW)
        except ConflictError:
            return False
        return True

    def create_once(self, run: Run, once: str) -> bool:
        """Keeps a new run, and that it stands for an idempotency value; false if there is one of its id already, or if
        another event has started one for that value less than a day before."""
        claim = ClaimItem(
            f"once#{run.function_id}#{once}",
            "once",
            received_at=run.received_at,
            expires=(run.received_at + ONCE) // 1000 + _LATE,
        )
        # Both or neither. A claim that was written first could be held by an old event that is sent again, and whose
        # run has been, while the next event with the value finds it taken; a run that was written first would be there
        # although it must not be.
        #
        # event 1   run, claim ──────────────────────────── day over ┄┄
        # event 2          refused, no run: dropped
        # event 1 again    refused, its run is there: goes on   refused by its run: the claim stays free
        try:
            with TransactWrite(connection=Item._get_connection().connection) as transaction:
                transaction.save(self._item(run), _NEW)
                transaction.save(claim, _NEW | (ClaimItem.received_at <= run.received_at - ONCE))
        except TransactWriteError as error:
            reasons = [reason.code for reason in error.cancellation_reasons if reason is not None]
            if not reasons or set(reasons) != {_CONDITION}:
                raise  # another transaction was at work, say: the message comes back
            return False
        return True

    def load(self, run_id: str) -> RunSnapshot | None:
        """The run's whole partition, strongly consistent."""
        run: Run | None = None
        steps: list[Step] = []
        aliases: list[AliasItem] = []
        for item in Item.query(run_pk(run_id), consistent_read=True):
            if isinstance(item, RunItem):
                run = self._run(item)
            elif isinstance(item, StepItem):
                steps.append(self._steps.step(item))
            elif isinstance(item, AliasItem):
                aliases.append(item)
        steps.sort(key=lambda step: step.begun_order)
        own = tuple(step for step in steps if not step.is_guard)
        guards = tuple(step for step in steps if step.is_guard)
        return RunSnapshot(run, own, tuple(aliases), guards) if run else None

    def run(self, run_id: str) -> Run | None:
        """The run without its steps, strongly consistent."""
        try:
            return self._run(RunItem.get(run_pk(run_id), "run", consistent_read=True))
        except RunItem.DoesNotExist:
            return None

    def step(self, run_id: str, key: str) -> Step | None:
        """One step, strongly consistent."""
        try:
            return self._steps.step(StepItem.get(run_pk(run_id), step_sk(key), consistent_read=True))
        except StepItem.DoesNotExist:
            return None

    def save(self, run: Run) -> None:
        """Keeps the run as it is now; ``ConflictError`` if it has ended meanwhile."""
        _put(self._item(run), _RUNNING)

    def keep(self, run_id: str, step: Step, *, is_new: bool) -> None:
        """Keeps a step: its memo, its wait and its timer, in one write."""
        aliases = alias_items(run_id, step) if step.status is Status.WAITING else []
        if aliases:  # first: an alias without its wait finds nothing, a wait without its alias is not found
            with AliasItem.batch_write() as batch:
                for alias in aliases:
                    batch.save(alias)
        _put(self._steps.item(run_id, step), _NEW if is_new else _OPEN)

    def drop(self, run_id: str, step: Step) -> None:
        """Takes the further keys of a wait that has ended from where events find them."""
        with AliasItem.batch_write() as batch:
            for alias in alias_items(run_id, step):
                batch.save(alias)

    def retire(self, snapshot: RunSnapshot, now: int) -> None:
        """Withdraws what a run that has ended still had open, and lets time to live remove the run."""
        run, expires = snapshot.run, now // 1000 + self._days * 86_400
        steps = {step.key: _withdrawn(step, run.cancellation, now) if step.is_open else step for step in snapshot.parts}
        with StepItem.batch_write() as batch:
            for step in steps.values():
                item = self._steps.item(run.id, step)
                item.expires = expires
                batch.save(item)
        further = [*snapshot.aliases, *(alias for step in snapshot.parts for alias in alias_items(run.id, step))]
        with AliasItem.batch_write() as batch:
            for alias in {alias.sk: alias for alias in further}.values():
                if (waited := steps.get(awaited_by(alias))) is None:
                    batch.delete(alias)  # its executor died before it wrote the wait itself
                    continue
                end_alias(alias, waited)
                alias.expires = expires
                batch.save(alias)

    def request_cancel(self, run_ids: Iterable[str], now: int) -> None:
        """Lets executors know that these runs are to be cancelled, before the messages come that say so.

        It is a hint to those which are at work, so nothing depends on it, and time to live removes it in any case.
        """
        expires = now // 1000 + self._days * 86_400
        with CancelRequestItem.batch_write() as batch:
            for run_id in run_ids:
                batch.save(CancelRequestItem(run_pk(run_id), _CANCEL_REQUEST, expires=expires))

    def is_cancel_requested(self, run_id: str) -> bool:
        """Whether somebody has asked for that; strongly consistent."""
        try:
            CancelRequestItem.get(run_pk(run_id), _CANCEL_REQUEST, consistent_read=True)
        except CancelRequestItem.DoesNotExist:
            return False
        return True

    def note(self, run_id: str, key: str, text: str) -> None:
        """Writes on an open wait what a person should know of it; on one that has ended meanwhile, nothing."""
        wait = StepItem(run_pk(run_id), step_sk(key))
        try:
            wait.update([StepItem.note.set(text)], condition=StepItem.status == Status.WAITING.value)
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise

    def _item(self, run: Run) -> RunItem:
        ended = run.ended
        return RunItem(
            run_pk(run.id),
            "run",
            fn=run.function_id,
            status=run.status.value,
            fn_status=fn_status(run.function_id, run.status),
            event=self._values.pack(event_text(run.event), f"runs/{run.id}/event"),
            received_at=run.received_at,
            started=run.started,
            ended=ended,
            output=None if run.output is None else self._values.pack(run.output, f"runs/{run.id}/output"),
            error=None
            if run.error is None
            else self._values.pack(json.dumps(asdict(run.error)), f"runs/{run.id}/error"),
            attempt=run.attempt,
            attempt_steps=run.attempt_steps,
            due=run.due,
            due_shard=None if run.due is None else due_shard(run.id),
            cancellation=None if run.cancellation is None else json.dumps(asdict(run.cancellation)),
            suspect=run.suspect,
            deaths=run.deaths,
            expires=None if ended is None else ended // 1000 + self._days * 86_400,
        )

    def _run(self, item: RunItem) -> Run:
        return Run(
            id=item.pk.partition("#")[2],
            function_id=item.fn,
            event=event_of(self._values.unpack(item.event)),
            received_at=int(item.received_at),
            started=int(item.started or 0),
            status=RunStatus(item.status),
            ended=None if item.ended is None else int(item.ended),
            output=None if item.output is None else self._values.unpack(item.output),
            error=None if item.error is None else Failure(**json.loads(self._values.unpack(item.error))),
            attempt=int(item.attempt),
            attempt_steps=int(item.attempt_steps),
            due=None if item.due is None else int(item.due),
            suspect=item.suspect,
            deaths=int(item.deaths),
            cancellation=None if item.cancellation is None else _cancellation(json.loads(item.cancellation)),
        )


def fn_status(function_id: str, status: RunStatus) -> str:
    """The key of the runs index: a function's runs of one status."""
    return f"{function_id}#{status}"


_CANCEL_REQUEST = "stop"

# A new run, step or claim: nobody has kept it before. If the write took effect but its answer was lost, the repeated
# write is a conflict, the message comes back, and the replay finds the step kept.
_NEW = Item.pk.does_not_exist()

_CONDITION = "ConditionalCheckFailed"
"""What a cancelled transaction names where a condition did not hold."""

# A step that goes on: it is still open. An executor that was thought dead and writes late loses here.
_OPEN = StepItem.status.is_in(Status.WAITING.value, Status.SLEEPING.value, Status.RETRYING.value, Status.INVOKING.value)

# A run ends once.
_RUNNING = RunItem.status == RunStatus.RUNNING.value


def _cancellation(fields: dict[str, Any]) -> Cancellation:
    return Cancellation(**{**fields, "reason": Reason(fields["reason"])})


def _put(item: RunItem | StepItem, condition: Condition) -> None:
    try:
        item.save(condition=condition)
    except PutError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise
        raise ConflictError(f"{item.pk} {item.sk} was written by somebody else meanwhile") from error


def _withdrawn(step: Step, cancellation: Cancellation | None, now: int) -> Step:
    """The step as its run's end leaves it; the guard that the event was for which has cancelled the run says so."""
    wait = step.wait
    if step.is_guard and wait and cancellation and cancellation.event_name == wait.event_name:
        wait = wait.resolved(cancellation.position)
    return replace(step, status=Status.WITHDRAWN, due=None, ended=step.ended or now, wait=wait)
