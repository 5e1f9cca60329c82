"""A run: its stored item, and its snapshot with all its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from tarry_backend.model.event_identity import identity
from tarry_backend.model.step import END_OF_TIME, Status, excluded_events

if TYPE_CHECKING:
    from tarry.event import Event
    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.chain import Chain
    from tarry_backend.model.life import Origin, PastLife, PastStep, Revival
    from tarry_backend.model.position import Position
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.step import Failure, Step

__all__ = [
    "PARKED",
    "Alias",
    "Run",
    "RunSnapshot",
    "RunStatus",
    "open_until",
]

PARKED = 900_000
"""How long, in milliseconds, a run whose function is missing rests until the executor looks for the function again."""


class RunStatus(StrEnum):
    """The status of a run."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stored run. Times are Unix milliseconds; ``output`` is JSON text.

    ``attempt`` counts failures of the function itself since the run last made progress: since it had ``attempt_steps``
    ended steps. ``due`` is when the next attempt begins, or the first if the event has a future time. ``suspect`` is
    the message over which executors died, ``deaths`` times. ``attempt_since`` is when an attempt began of which the
    executor may not have stored all steps. ``cancellation`` is why the run is cancelled, or will be. ``version`` names
    the code with which the run began, if its deploy had a name. ``held`` is when an executor last saw to the leases of
    a run that waits in the line of a gate (``tarry_backend.store.leases``). ``batch`` are all events that started the
    run, in their order, if they were a batch; ``event`` is the first.

    ``life`` counts the retries of the run, from 1; ``past_lives`` are the lives before. While ``revival`` is there, the
    executor has not yet prepared the run's steps for this life. ``origin`` is there if the run is a rerun.
    ``chain`` is there if another run has handed over to this one; ``successor`` is the run to which it has handed over.

    ``singleton`` is the name of the run's singleton, if it has one. ``after`` is the run that has to end before this
    one begins. ``paced`` is the time at which a throttle lets the run begin, if it had to wait.
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
    attempt_since: int | None = None
    cancellation: Cancellation | None = None
    life: int = 1
    past_lives: tuple[PastLife, ...] = ()
    revival: Revival | None = None
    origin: Origin | None = None
    version: str | None = None
    batch: tuple[ReceivedEvent, ...] = ()
    chain: Chain | None = None
    successor: str | None = None
    held: int | None = None
    singleton: str | None = None
    after: str | None = None
    paced: int | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that started the run."""
        return tuple(each.event for each in self.batch) or (self.event,)

    @property
    def started_by(self) -> frozenset[str]:
        """The identities of the events that started the run: they resolve no wait of it."""
        return frozenset(map(identity, self.events))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A further key of a wait: one for each further alternative of its expression, and of its other events.

    ``number`` counts the aliases of one step, from 1. ``match_key`` and ``wait_ref`` are the alias's place in the index
    of waits. The place changes when the wait ends.
    """

    step_key: str
    number: int
    match_key: str
    wait_ref: str
    since: Position
    deadline: int
    resolved_by: Position | None = None


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run with its steps, in the order in which they began, its guards, and the further keys of its waits.

    ``has_remnants`` is true if it has steps of an earlier run of this id, which has ended. ``past`` are the steps that
    retries have dropped. ``behind`` is by how many milliseconds the clock of the executor that has the run is behind
    the queues'.
    """

    run: Run
    steps: tuple[Step, ...] = ()
    aliases: tuple[Alias, ...] = ()
    guards: tuple[Step, ...] = ()
    has_remnants: bool = False
    past: tuple[PastStep, ...] = ()
    behind: int = 0

    @property
    def parts(self) -> tuple[Step, ...]:
        """The guards and the steps."""
        return (*self.guards, *self.steps)

    @property
    def is_left_open(self) -> bool:
        """Whether a step or guard is open that no end of the run has withdrawn."""
        return any(step.is_open and step.status is not Status.WITHDRAWN for step in self.parts)

    def step(self, key: str) -> Step | None:
        """Return the step or guard with that key, or ``None``."""
        return next((step for step in self.parts if step.key == key), None)

    def had_before(self, step: Step) -> frozenset[str]:
        """Return the identities of the events that the run had before this step began: they cannot end its wait."""
        had = excluded_events(self.steps, step.begun_order, self.run.started_by)
        if self.run.chain is not None:
            had |= {each.identity for _, each in self.run.chain.inherited.had}
        return had.difference(step.wait.unused) if step.wait else had

    def with_step(self, step: Step) -> RunSnapshot:
        """Return the snapshot with this step in place of its earlier state."""
        steps, guards = (
            tuple(step if old.key == step.key else old for old in parts) for parts in (self.steps, self.guards)
        )
        return replace(self, steps=steps, guards=guards)

    @property
    def ended_steps(self) -> int:
        """The number of ended steps."""
        return sum(not step.is_open for step in self.steps)

    @property
    def size(self) -> int:
        """The number of characters of JSON in the steps' outputs."""
        return sum(len(step.output or "") for step in self.steps)

    @property
    def attempt(self) -> int:
        """The function's attempt, from 0. It is 0 again once the run has made progress."""
        return self.run.attempt if self.ended_steps == self.run.attempt_steps else 0

    def rests(self, moment: int) -> bool:
        """Return whether the function's next attempt, or its first, is due later than ``moment``.

        It is not if the run has made progress since the failure: a step ended that went on beside.
        """
        due = self.run.due
        return due is not None and due > moment and self.ended_steps == self.run.attempt_steps

    @property
    def until(self) -> int:
        """When the latest of the run's open steps, or its next attempt, is due (Unix milliseconds); 0 if nothing is.

        It is the end of time for an invocation without a timeout. A guard does not count: it ends the run, which then
        needs no earlier step.
        """
        return max(self.run.due or 0, *map(open_until, self.steps), 0)

    @property
    def next_order(self) -> int:
        """The order of the next beginning or end of a step."""
        return 1 + max((max(step.begun_order, step.ended_order or 0) for step in self.steps), default=0)


def open_until(step: Step) -> int:
    """Return when the step is due if its run waits for it, the end of time if nothing is due, 0 if the run does not.

    A run does not wait for a step that has begun: an executor has it, or the next one ends it.
    """
    if step.is_guard or not step.is_open or step.status in (Status.WITHDRAWN, Status.BEGUN):
        return 0
    return END_OF_TIME if step.due is None else step.due
