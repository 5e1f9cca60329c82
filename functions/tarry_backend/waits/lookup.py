"""The lookup of the event that ends a wait. Pure, except that it reads the given log."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import repeat
from time import monotonic
from typing import TYPE_CHECKING

from tarry_backend import matching
from tarry_backend.matching.keys import match_key
from tarry_backend.model.position import Position
from tarry_backend.model.step import Status
from tarry_backend.store.event_json import event_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.step import Step, Wait
    from tarry_backend.store import Store

__all__ = ["LOOK_EVENTS", "LOOK_SECONDS", "LogLook", "admits", "ended", "look", "matches"]

LOOK_EVENTS = 1_000
"""The most events that one look reads. A message asks for another look at the events after them."""

LOOK_SECONDS = 5.0
"""The most seconds that one look takes, where expressions are slow to evaluate."""


@dataclass(frozen=True, slots=True)
class LogLook:
    """The outcome of a look into the log.

    ``found`` is the earliest event that ends the wait. ``cursor`` is where another look continues, if this one reached
    its bound; it is ``None`` if the look read the whole log.
    """

    found: ReceivedEvent | None = None
    cursor: Position | None = None


def admits(wait: Wait, event_name: str, position: Position, excluded: AbstractSet[str]) -> bool:
    """Return whether an event of that name, at that position, may end the wait, if it matches."""
    if position.received_at > wait.deadline or position.identity in excluded:
        return False
    return any(each.event_name == event_name and each.since < position for each in wait.all)


def look(
    wait: Wait,
    store: Store,
    excluded: AbstractSet[str],
    until: int,
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> LogLook:
    """Look into the log for the earliest event that ends the wait.

    If an event is logged behind the cursor, while looks continue, its own matcher finds the wait.

    Args:
        excluded: The identities of events that cannot end a wait of this run.
        until: Up to when the events were received (Unix milliseconds).
        after: The cursor of the look that this one continues.
        before: Only events before that position.
    """
    last: Position | None = None
    end = monotonic() + LOOK_SECONDS
    for number, (each, received) in enumerate(_candidates(wait, store, until, after)):
        if before is not None and received.position >= before:
            break
        if last is not None and (number >= LOOK_EVENTS or monotonic() > end):
            return LogLook(cursor=last)
        if received.position.identity not in excluded and matches(each, received):
            return LogLook(received)
        last = received.position
    return LogLook()


def _candidates(wait: Wait, store: Store, until: int, after: Position | None) -> Iterator[tuple[Wait, ReceivedEvent]]:
    """Yield the events that could end the wait, or one of its others, in their order."""
    waits = [each for each in wait.all if each.alternatives]
    lanes = (zip(repeat(each), _lane(each, store, until, after)) for each in waits)
    return heapq.merge(*lanes, key=lambda candidate: candidate[1].position)


def _lane(wait: Wait, store: Store, until: int, after: Position | None) -> Iterator[ReceivedEvent]:
    """Yield the events of the wait's keys, in their order. Before the log has its keys, read by name.

        since ──── by name ──── keyed since ──────── by key ──────── until

    A wait without a key is read by name.
    """
    name = store.names.recent(wait.event_name)
    since = wait.since if after is None else max(wait.since, after)
    until = min(until, wait.deadline)
    keyed = [name.keyed_since(alternative.shape) for alternative in wait.alternatives]
    keyed_since = until if None in keyed else min(until, max(moment for moment in keyed if moment is not None))
    if since.received_at <= keyed_since:
        yield from store.log.read(wait.event_name, since, keyed_since, name.log_shards)
    if until > keyed_since:
        keys = [alternative.key for alternative in wait.alternatives]
        yield from store.log.read_keyed(keys, max(since, Position.after(keyed_since)), until)


def ended(step: Step, received: ReceivedEvent | None, order: int, now: int) -> Step:
    """Return the wait's step after an event, or its deadline, has ended it."""
    assert step.wait is not None
    wait = step.wait.resolved(received.position if received else None)
    output = event_text(received.event) if received else "null"
    return replace(step, status=Status.DONE, ended_order=order, ended=now, due=None, output=output, wait=wait)


def matches(wait: Wait, received: ReceivedEvent) -> bool:
    """Return whether one of the wait's alternatives holds for the event, wherever the event is in the log."""
    for alternative in wait.alternatives:
        if match_key(wait.event_name, alternative.shape, received.event) != alternative.key:
            continue
        if alternative.residual is None:
            return True
        try:
            if matching.residual_holds(
                alternative.residual, alternative.bindings, received.event, received.received_at
            ):
                return True
        except matching.MatchError:
            continue  # no match; the matcher, which sees the event first, has counted it and noted it on the wait
    return False
