"""A run in memory: its steps in a dict, its log in a list, its clock moved by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tarry import App, Event, Function, TriggerEvent, UsageError
from tarry._wire.mailbox import Letter
from tarry.durations import milliseconds
from tarry_backend.executor.signal_wait import answered
from tarry_backend.model.position import Position
from tarry_backend.replay import (
    Failed,
    Failure,
    Finished,
    Invocation,
    InvokeRequest,
    Outcome,
    Replayed,
    Status,
    Step,
    Wait,
    WaitRequest,
    excluded_events,
    replay,
    ungiven,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.context import Handler
    from tarry.durations import Duration

NOON = 1_800_000_000_000
"""When the clock begins, in Unix milliseconds."""

START = Event("shop/order.placed", {"order": 7}, id="start", ts=NOON)


class MemoryJournal:
    """``tarry_backend.replay.Journal``. ``writes`` are the steps as they were kept, one after the other.

    Of the functions that are invoked ``pack`` is the only one that there is.
    """

    def __init__(self) -> None:
        self.clock = NOON
        self.steps: dict[str, Step] = {}
        self.writes: list[Step] = []
        self.log: list[tuple[Position, Event]] = []
        self.sent: list[Event] = []
        self.invoked: list[InvokeRequest] = []
        self.is_out_of_time = False
        self.room: int | None = None
        self.cancelled = False
        self.taken: set[str] = set()
        self.lost: list[str] = []

    def now(self) -> int:
        return self.clock

    def begins(self) -> int:
        return self.clock

    def out_of_time(self) -> bool:
        return self.is_out_of_time

    def has_room(self, span: int) -> bool:
        return self.room is None or span <= self.room

    def time_left(self) -> tuple[int, int]:
        return 900_000, 900_000

    def is_cancelled(self) -> bool:
        return self.cancelled

    def keep(self, step: Step) -> None:
        self.steps[step.key] = step
        self.writes.append(step)

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        wait = Wait(
            event_name=request.event_name,
            expression=request.if_exp,
            since=request.since,
            deadline=request.deadline,
            alternatives=(),
        )
        step = replace(step, wait=wait, due=request.deadline)
        found = next((found for found in sorted(self.log, key=lambda e: e[0]) if self._ends(step, found)), None)
        if found or request.deadline <= self.clock:
            step = ended(step, found, step.begun_order + 1, self.clock)
        self.keep(step)
        return step

    def withdraw(self, step: Step) -> None:
        self.keep(step)

    def lose(self, step: Step) -> None:
        self.lost.append(step.key)

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        if request.function_id != "pack":
            raise UsageError(f"there is no function {request.function_id!r}")
        self.invoked.append(request)
        step = replace(step, invocation=Invocation(request.function_id, f"run of {request.event_id}"))
        self.keep(step)
        return step

    def hear(self, key: str, output: object = None, error: Failure | None = None) -> None:
        """What a step has invoked comes to its end."""
        status = Status.DONE if error is None else Status.FAILED
        step = replace(self.steps[key], status=status, output=json.dumps(output), error=error)
        self.keep(replace(step, ended_order=self._next_order(), ended=self.clock, due=None))

    def open_signal(self, step: Step) -> Step:
        assert step.signal is not None
        if step.signal.name in self.taken:
            raise UsageError(f"another waits for {step.signal.name!r}")
        self.keep(step)
        return step

    def signal(self, key: str, data: Any, sent_at: int | None = None) -> None:
        """A signal comes for an open step; ``None`` for its deadline."""
        step = self.steps[key]
        assert step.signal is not None
        letter = None if data is None else Letter("s", data, self.clock if sent_at is None else sent_at)
        self.keep(answered(step, letter, self._next_order(), self.clock))

    def send(self, events: Sequence[Event]) -> None:
        self.sent += events

    def receive(self, event: Event) -> None:
        """The bus brings an event now: it is logged, and ends each wait on its name that may have it."""
        self.log.append((Position(self.clock, event.id), event))
        for step in self.waiting():
            if self._ends(step, self.log[-1]):
                self.keep(ended(step, self.log[-1], self._next_order(), self.clock))

    def time_out(self, key: str) -> None:
        """The deadline of a wait passes, if it has not already."""
        wait = self.steps[key].wait
        assert wait is not None
        self.clock = max(self.clock, wait.deadline + 1)
        self.keep(ended(self.steps[key], None, self._next_order(), self.clock))

    def waiting(self) -> list[Step]:
        """The open waits."""
        return [step for step in self.steps.values() if step.status is Status.WAITING]

    def _ends(self, step: Step, found: tuple[Position, Event]) -> bool:
        position, event = found
        assert step.wait is not None
        return (
            event.name == step.wait.event_name
            and step.wait.since < position
            and position.received_at <= step.wait.deadline
            and event.id not in excluded_events(self.steps.values(), step.begun_order, [START.id])
        )

    def _next_order(self) -> int:
        return 1 + max(max(step.begun_order, step.ended_order or 0) for step in self.steps.values())


class MemoryRun:
    """A run of a function, which goes on with each ``replay()``: from its kept steps, and from nothing else."""

    def __init__(self, function: Function, journal: MemoryJournal | None = None, max_steps: int = 1000) -> None:
        self.function = function
        self.journal = journal or MemoryJournal()
        self._max_steps = max_steps
        self.attempt = 0
        self.attempt_since: int | None = None
        self._had = 0

    def replay(self, *, cut_off: bool = False) -> Outcome:
        """The function is run over its kept steps, and on from there; ``cut_off`` if it had died before it rested."""
        news = max(self._ended() - self._had, int(self.attempt > 0))
        if cut_off:
            news = ungiven(self.journal.steps.values())
        run = Replayed("run-1", START, NOON, self.attempt, news, started=NOON, attempt_since=self.attempt_since)
        outcome = replay(self.function, run, list(self.journal.steps.values()), self.journal, self._max_steps)
        self._had = self._ended()
        return outcome

    def _ended(self) -> int:
        return sum(not step.is_open for step in self.journal.steps.values())

    def receive(self, name: str, event_id: str = "e", **data: Any) -> Outcome:
        """A second later an event comes, and the run goes on."""
        self.journal.clock += 1000
        self.journal.receive(Event(name, data, id=event_id, ts=self.journal.clock))
        return self.replay()

    def time_out(self, key: str) -> Outcome:
        """A wait's deadline passes, and the run goes on."""
        self.journal.time_out(key)
        return self.replay()

    def hear(self, key: str, output: object = None, error: Failure | None = None) -> Outcome:
        """A second later what a step has invoked has come to its end, and the run goes on."""
        self.journal.clock += 1000
        self.journal.hear(key, output, error)
        return self.replay()

    def wake_after(self, pause: Duration) -> Outcome:
        """Time passes, and the run goes on."""
        self.journal.clock += milliseconds(pause)
        return self.replay()

    def step(self, key: str) -> Step:
        """A step as it is kept."""
        return self.journal.steps[key]

    def since(self, key: str) -> Position:
        """Where a wait began to look."""
        wait = self.step(key).wait
        assert wait is not None
        return wait.since


def durable(handler: Handler, **options: Any) -> Function:
    """The handler as a function of an app; ``options`` are those of ``create_function``."""
    return App("shop").create_function(fn_id="ship", trigger=TriggerEvent(START.name), **options)(handler)


def ended(step: Step, found: tuple[Position, Event] | None, order: int, now: int) -> Step:
    """The wait once an event, or its deadline, has ended it."""
    assert step.wait is not None
    wait = replace(step.wait, resolved_by=found[0] if found else None)
    output = json.dumps(asdict(found[1]) if found else None)
    return replace(step, status=Status.DONE, ended_order=order, ended=now, due=None, output=output, wait=wait)


def output_of(outcome: Outcome) -> Any:
    """What a function returned that has finished."""
    assert isinstance(outcome, Finished), outcome
    return json.loads(outcome.output)


def error_of(outcome: Outcome) -> Failure:
    """What a function raised that has failed."""
    assert isinstance(outcome, Failed), outcome
    return outcome.error
