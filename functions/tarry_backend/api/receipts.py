"""An event's receipt: what it did, and which waits it was held against and missed.

Nobody writes it. It is read off what is kept in any case: the id of the run that an event starts is made from the
event's; and a wait stands in the index under its match keys while it is open, and under those of ended ones after that,
with the event that resolved it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING

from tarry.errors import ExpressionError
from tarry_backend.api.asked_event import Effect, decided_by
from tarry_backend.api.near_misses import near_misses
from tarry_backend.api.windows import gathered_by, waiting_in_batches
from tarry_backend.matching import Condition, MatchError, evaluate_whole, match_key, wait_conjuncts
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import Status
from tarry_backend.model.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tarry_backend.api.near_misses import NearMisses
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.matching import Conjunct
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step, Wait
    from tarry_backend.store import Store
    from tarry_backend.store.wait_index import Held

__all__ = ["LOOKED_THROUGH", "NEAR", "Miss", "Receipt", "Why", "receipt"]

LOOKED_THROUGH = 10_000
"""How many waits with the event's keys, open and ended ones, a receipt looks through at most."""

NEAR = 3_600_000
"""Within how many milliseconds of an event a wait must have begun or ended to count as missed.

A wait further away has nothing to do with the event.
"""


class Why(StrEnum):
    """Why a wait was not resolved by an event that has its key."""

    EARLY = "too early"
    """It was received before the events that the wait is for."""
    LATE = "too late"
    """It was received after the wait's deadline."""
    OVERTAKEN = "overtaken"
    """It was received in time; but the deadline's message, sent a second later, came out of the queue first."""
    HAD = "had before"
    """The run began with it, or another of its waits was resolved by it."""
    EXPRESSION = "expression"
    """The wait's expression is false for it."""
    INCOMPARABLE = "incomparable"
    """The wait's expression cannot be evaluated for it."""
    RESOLVED = "resolved"
    """The wait had another event."""
    WITHDRAWN = "withdrawn"
    """The wait was open no longer: it had lost a race, or its run had ended."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A wait that the event did not resolve, and why. ``apart`` is by how many milliseconds it was too early or too
    late; ``detail`` is the other event's id, or what is wrong with the expression. If that does not hold, ``conjuncts``
    are its conditions."""

    run: Run
    step_key: str
    why: Why
    expression: str | None
    apart: int = 0
    detail: str = ""
    conjuncts: tuple[Conjunct, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an event did. ``unstarted`` says of which functions it started no run, although it fired their triggers, and
    why. ``resumed`` and ``cancelled`` are runs and steps, all of them; ``pending`` are waits that it
    matches, and that are about to be told.

    ``missed`` are the nearest ones, of ``misses``. ``is_whole`` is false if there are more waits with its keys than
    ``LOOKED_THROUGH``: then some may be missing here.

    ``near`` is what listens to the event's name and has other keys, or another condition.
    """

    received: ReceivedEvent
    started: tuple[Effect, ...]
    unstarted: tuple[Trace, ...]
    resumed: tuple[tuple[str, str], ...]
    cancelled: tuple[tuple[str, str], ...]
    pending: tuple[Effect, ...]
    missed: tuple[Miss, ...]
    misses: int
    is_whole: bool
    near: NearMisses

    @property
    def has_effect(self) -> bool:
        """Whether the event has done something, or is about to."""
        return bool(self.started or self.resumed or self.cancelled or self.pending)


def receipt(
    received: ReceivedEvent,
    app_id: str,
    functions: Iterable[str],
    store: Store,
    *,
    facts: Sequence[FunctionFacts] = (),
    most: int = 20,
) -> Receipt:
    """The receipt of an event, with at most ``most`` misses. It asks the index, so it may be a few seconds old.

    ``facts`` are those of the app's functions, if they are known.
    """
    event = received.event
    functions = tuple(functions)
    decided = tuple(decided_by(event.id, event.source, event.name, app_id, functions, store))
    known = {each.function_id for each in decided}
    decided += tuple(gathered_by(received, app_id, (each for each in functions if each not in known), store))
    decided += tuple(waiting_in_batches(received, app_id, (each for each in facts if each.id not in known), store))
    shapes = list(store.names.of(event.name).lookups)
    found = list(islice(_held(received, shapes, store), LOOKED_THROUGH + 1))
    held = {wait.target: wait for wait in found[:LOOKED_THROUGH]}.values()
    done = [wait for wait in held if _is_resolved(wait, received)]
    near = (wait for wait in held if not _is_resolved(wait, received) and wait.apart(received.position) <= NEAR)
    missed = sorted(near, key=lambda wait: (wait.apart(received.position), wait.target))
    judged = list(_judged(missed[:most], received, store))
    return Receipt(
        received=received,
        started=tuple(Effect(each) for each in decided if not isinstance(each, Trace)),
        unstarted=tuple(each for each in decided if isinstance(each, Trace)),
        resumed=tuple(wait.target for wait in done if not wait.is_guard),
        cancelled=tuple(wait.target for wait in done if wait.is_guard),
        pending=tuple(each for each in judged if isinstance(each, Effect)),
        missed=tuple(each for each in judged if isinstance(each, Miss)),
        misses=len(missed) - sum(isinstance(each, Effect) for each in judged),
        is_whole=len(found) <= LOOKED_THROUGH,
        near=near_misses(
            received,
            facts,
            store,
            started={each.function_id for each in decided},
            held={wait.target for wait in held},
            has_been_awaited=bool(shapes),
        ),
    )


def _held(received: ReceivedEvent, shapes: Iterable[str], store: Store) -> Iterator[Held]:
    """The waits that have one of the event's keys: those that are open, then those that ended after it, or shortly
    before it."""
    event = received.event
    keys = [key for shape in shapes if (key := match_key(event.name, shape, event)) is not None]
    since = received.received_at - NEAR
    # The ended ones last: of a wait that ends meanwhile the newer entry counts.
    return chain(
        chain.from_iterable(store.waits.open_ones(key) for key in keys),
        chain.from_iterable(store.waits.ended_since(key, since) for key in keys),
    )


def _is_resolved(wait: Held, received: ReceivedEvent) -> bool:
    """Whether the event has resolved it, or another of the same id, which counts as the same."""
    return wait.resolved_by is not None and wait.resolved_by.identity == received.position.identity


def _judged(held: Sequence[Held], received: ReceivedEvent, store: Store) -> Iterator[Effect | Miss]:
    for each in held:
        snapshot = store.runs.load(each.run_id)
        step = snapshot.step(each.step_key) if snapshot else None
        if snapshot is not None and step is not None:  # an executor has died before it wrote the wait
            yield _verdict(step, snapshot, received)


def _verdict(step: Step, snapshot: RunSnapshot, received: ReceivedEvent) -> Effect | Miss:
    assert step.wait is not None
    run = snapshot.run
    if received.position.identity in snapshot.had_before(step):
        return Miss(run, step.key, Why.HAD, None)
    named = [wait for wait in step.wait.all if wait.event_name == received.event.name]
    misses = [miss for wait in named if (miss := _miss(wait, step, run, received))]
    return misses[0] if misses and len(misses) == len(named) else _fitting(step, run, received)


def _miss(wait: Wait, step: Step, run: Run, received: ReceivedEvent) -> Miss | None:
    """Why the event is none that the wait is for; None if it is one."""
    position, condition = received.position, wait.condition
    if position <= wait.since:
        apart = wait.since.received_at - position.received_at
        return Miss(run, step.key, Why.EARLY, condition, apart=apart)
    if position.received_at > wait.deadline:
        return Miss(run, step.key, Why.LATE, condition, apart=position.received_at - wait.deadline)
    whole = Condition(expression=wait.expression, where=wait.where, bind=wait.bind, dialect=wait.dialect)
    why, detail = Why.EXPRESSION, ""
    try:
        if evaluate_whole(whole, run.event, received.event, received.received_at):
            return None
    except MatchError as error:
        why, detail = Why.INCOMPARABLE, str(error)
    except ExpressionError as error:  # a newer release may refuse the expression of an older wait
        return Miss(run, step.key, Why.INCOMPARABLE, condition, detail=str(error))
    parts = wait_conjuncts(whole, run.event, received.event, received.received_at)
    return Miss(run, step.key, why, condition, detail=detail, conjuncts=parts)


def _fitting(step: Step, run: Run, received: ReceivedEvent) -> Effect | Miss:
    """Of an event that the wait is for, and that has not resolved it."""
    wait = step.wait
    assert wait is not None
    if step.status is Status.WAITING and run.status is RunStatus.RUNNING:
        return Effect(run, step.key)
    if step.status is Status.DONE and wait.resolved_by is not None:
        return Miss(run, step.key, Why.RESOLVED, wait.condition, detail=wait.resolved_by.event_id)
    why = Why.OVERTAKEN if step.status is Status.DONE else Why.WITHDRAWN
    return Miss(run, step.key, why, wait.condition)
