"""Why an event did nothing: open waits, cancels and triggers on its name that it does not match, each with its values.

A match key leads only to waits that the event matches, or nearly. A wait for id 7 and an event with the id "7" have
different keys. So these waits are found by name: see ``tarry_backend.store.open_waits``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from time import monotonic
from typing import TYPE_CHECKING

from tarry._wire.internal_events import OWN
from tarry.errors import ExpressionError
from tarry_backend.matching import Condition, Conjunct, trigger_conjuncts, wait_conjuncts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tarry_backend.deploy.function_facts import FunctionFacts, TriggerFacts
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run
    from tarry_backend.replay import Step, Wait
    from tarry_backend.store import Store

__all__ = ["JUDGED", "NearMisses", "UnfiredTrigger", "UnmatchedWait", "near_misses"]

JUDGED = 100
"""Of how many open waits on the event's name, those with the nearest deadlines, the expression is evaluated."""

SECONDS = 5.0
"""How long, in seconds, that may take where expressions are slow to evaluate."""

_SHOWN = 20
"""How many of them, the nearest misses, a receipt has."""

_SIMILAR, _AS_SIMILAR = 0.7, 0.1
"""How alike names are, from 0 to 1, that somebody may have mistaken; and by how much less than the likest one."""


@dataclass(frozen=True, slots=True)
class UnmatchedWait:
    """An open wait on the event's name that the event does not match. A guard's event would cancel the run.

    ``early`` is by how many milliseconds the event was received before the events that the wait is for.
    """

    run: Run
    step_key: str
    expression: str
    conjuncts: tuple[Conjunct, ...]
    early: int = 0

    @property
    def is_guard(self) -> bool:
        """Whether its event cancels the run."""
        return self.step_key.startswith(OWN)

    @property
    def nearness(self) -> tuple[int, int]:
        """Its place among misses: how many conjuncts do not hold, then how many do."""
        failing = sum(conjunct.holds is not True for conjunct in self.conjuncts)
        return failing, failing - len(self.conjuncts)


@dataclass(frozen=True, slots=True)
class UnfiredTrigger:
    """A trigger on the event's name whose function the event has not started.

    All conjuncts may hold: the start is under way, or another event has the function's idempotency value.
    """

    function_id: str
    trigger: str
    expression: str | None
    conjuncts: tuple[Conjunct, ...]

    @property
    def holds(self) -> bool:
        """Whether the event fires the trigger."""
        return all(conjunct.holds is True for conjunct in self.conjuncts)


@dataclass(frozen=True, slots=True)
class NearMisses:
    """What an event did not match.

    Attributes:
        waits: The open waits and guards that are nearest, at most 20 of them.
        unmatched: How many open waits were found that the event does not match.
        triggers: The triggers on the event's name that did not start their function.
        is_whole: False if there may be more open waits than a receipt looks at.
        is_listened: Whether a trigger, or a wait now or before, is for the event's name; ``None`` if that is not known.
        similar: Names of events that something listens to, and that look like this one's.
    """

    waits: tuple[UnmatchedWait, ...] = ()
    unmatched: int = 0
    triggers: tuple[UnfiredTrigger, ...] = ()
    is_whole: bool = True
    is_listened: bool | None = True
    similar: tuple[str, ...] = ()


def near_misses(
    received: ReceivedEvent,
    facts: Sequence[FunctionFacts],
    store: Store,
    *,
    started: Collection[str],
    held: Collection[tuple[str, str]],
    has_been_awaited: bool,
) -> NearMisses:
    """Look for what the event did not match.

    Args:
        received: The event.
        facts: Of the app's functions; empty if they are not known.
        store: The store.
        started: The functions of which the event has started a run, or it is known why it has not.
        held: The waits, as runs' ids and steps' keys, that are found by the event's keys: they are no near misses.
        has_been_awaited: Whether there is, or was, a wait on the event's name.
    """
    name = received.event.name
    found = store.open_waits.on(name, received.received_at, _cancels(facts, name))
    others = [(run_id, step) for run_id, step in found.steps if (run_id, step.key) not in held]
    runs = store.runs.some(dict.fromkeys(run_id for run_id, _ in others[:JUDGED]))
    chosen = [(runs[run_id], step) for run_id, step in others[:JUDGED] if run_id in runs]
    judged, count = _judged(chosen, received)
    triggers = [(each, trigger) for each in facts for trigger in each.triggers_on(name)]
    is_listened = bool(triggers or found.steps or has_been_awaited or _cancels(facts, name))
    return NearMisses(
        waits=tuple(sorted(judged, key=lambda miss: miss.nearness)[:_SHOWN]),
        unmatched=len(judged) + len(others) - count,
        triggers=tuple(_trigger(each, trigger, received) for each, trigger in triggers if each.id not in started),
        is_whole=found.is_whole and count == len(others),
        is_listened=is_listened or (False if facts else None),
        similar=() if is_listened else tuple(_similar(name, facts, found.names)),
    )


def _cancels(facts: Iterable[FunctionFacts], event_name: str) -> list[tuple[str, str]]:
    """The functions that the event may cancel, each with the key of its guard: see ``executor.cancel_guards``."""
    return [
        (each.id, f"{OWN}cancel.{place}")
        for each in facts
        for place, cancel in enumerate(each.cancels)
        if cancel == event_name
    ]


def _judged(waits: Iterable[tuple[Run, Step]], received: ReceivedEvent) -> tuple[list[UnmatchedWait], int]:
    """The misses among these waits, and how many waits were judged within ``SECONDS``."""
    judged: list[UnmatchedWait] = []
    end, count = monotonic() + SECONDS, 0
    for run, step in waits:
        if monotonic() > end:
            break
        count += 1
        judged += _wait(run, step, received)
    return judged, count


def _wait(run: Run, step: Step, received: ReceivedEvent) -> Iterator[UnmatchedWait]:
    """The miss of a step's wait, or of that of its waits which the event misses by least."""
    waits = [wait for wait in step.wait.all if wait.event_name == received.event.name] if step.wait else []
    missed = [_missed(run, step, wait, received) for wait in waits]
    yield from sorted((miss for miss in missed if miss), key=lambda miss: miss.nearness)[:1]


def _missed(run: Run, step: Step, wait: Wait, received: ReceivedEvent) -> UnmatchedWait | None:
    if (text := wait.condition) is None:
        return None
    whole = Condition(expression=wait.expression, where=wait.where, bind=wait.bind, dialect=wait.dialect)
    try:
        parts = wait_conjuncts(whole, run.event, received.event, received.received_at)
    except ExpressionError:  # another version of Tarry has accepted it
        return None
    early = max(0, wait.since.received_at - received.received_at)
    return UnmatchedWait(run, step.key, text, parts, early)


def _trigger(function: FunctionFacts, trigger: TriggerFacts, received: ReceivedEvent) -> UnfiredTrigger:
    parts: tuple[Conjunct, ...] = ()
    name, expression = trigger
    if expression is not None:
        try:
            parts = trigger_conjuncts(expression, received.event, received.received_at, function.dialect)
        except ExpressionError as error:
            parts = (Conjunct(expression, None, problem=str(error)),)
    return UnfiredTrigger(function.id, name, expression, parts)


def _similar(event_name: str, facts: Iterable[FunctionFacts], awaited: Iterable[str]) -> list[str]:
    triggers = (name for each in facts for name, _ in each.triggers)
    known = {*triggers, *(name for each in facts for name in each.cancels), *awaited}
    by_fold = {name.casefold(): name for name in sorted(known) if not name.startswith(OWN)}
    folded = event_name.casefold()
    close = get_close_matches(folded, by_fold, n=3, cutoff=_SIMILAR)
    ratios = {each: SequenceMatcher(None, each, folded).ratio() for each in close}
    return [by_fold[each] for each in close if ratios[each] > max(ratios.values()) - _AS_SIMILAR]
