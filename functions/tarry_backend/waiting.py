"""A wait and the log: which event ends it. Pure, but for the log that it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.matching import MatchError, match_key, residual_holds
from tarry_backend.position import Position
from tarry_backend.replay.history import Status
from tarry_backend.store.events import event_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from tarry_backend.received import Received
    from tarry_backend.replay.history import Step, Wait
    from tarry_backend.store import EventLog, Name, Store

__all__ = ["OVERTAKEN", "TAIL", "admits", "earliest", "ended", "overtaken"]

TAIL = 360_000
"""How much of a log that is kept by name alone, in milliseconds, a wait's deadline reads once more. What is older has
been acted on: the index has settled, and a matcher that dies is followed by another within a minute, five times at
most."""

OVERTAKEN = 20
"""How many events of a name whose log is kept by name alone a resume looks through, before the one that it carries, for
one that was overtaken. Matchers that work side by side, and an index that lags, make events overtake a few others."""


def admits(wait: Wait, position: Position, excluded: AbstractSet[str]) -> bool:
    """Whether an event at that position may end the wait, if it matches."""
    return wait.since < position and position.received_at <= wait.deadline and position.event_id not in excluded


def earliest(
    wait: Wait, store: Store, name: Name, until: int, excluded: AbstractSet[str], *, named_since: int = 0
) -> Received | None:
    """The earliest event in the log, received up to ``until``, that ends the wait.

    ``name`` is what is known of the event's name: fresh, where no later look makes up for what it lacks. Of a log by
    name only what was received after ``named_since`` is of interest.
    """
    if not wait.alternatives:
        return None
    by_name = max(wait.since, Position(named_since))
    for received in _events(wait, store.log, name, by_name, min(wait.deadline, until)):
        if received.event.id not in excluded and _matches(wait, received):
            return received
    return None


def overtaken(wait: Wait, store: Store, name: Name, position: Position, excluded: AbstractSet[str]) -> Received | None:
    """The earliest event in the log before that position that ends the wait: one that nobody has told it of yet.

    In a busy log the wait's keys are asked; until they are all there, for two minutes, it is not looked for.
    """
    if name.hot_since is None:
        found: Iterable[Received] = store.log.last(wait.event_name, wait.since, position, OVERTAKEN)
    else:
        since = max(wait.since, Position.after(name.keyed_since or 0))
        found = store.log.read_keyed([each.key for each in wait.alternatives], since, position.received_at)
    for received in found:
        if received.position < position and received.event.id not in excluded and _matches(wait, received):
            return received
    return None


def _events(wait: Wait, log: EventLog, name: Name, by_name: Position, until: int) -> Iterator[Received]:
    """Those that could match, in their order. A busy log is read by the wait's keys, from where it has all of them:

    since ──── by name ──── keyed_since ──────── by key ──────── until
    """
    keyed_since = name.keyed_since
    keys = [alternative.key for alternative in wait.alternatives]
    if keyed_since is None or not all(alternative.shape in name.shapes for alternative in wait.alternatives):
        keyed_since = until
    if by_name.received_at <= keyed_since:
        yield from log.read(wait.event_name, by_name, min(keyed_since, until), name.log_shards)
    if until > keyed_since:
        yield from log.read_keyed(keys, max(wait.since, Position.after(keyed_since)), until)


def ended(step: Step, received: Received | None, order: int, now: int) -> Step:
    """The wait's step once an event, or its deadline, has ended it."""
    assert step.wait is not None
    wait = replace(step.wait, resolved_by=received.position if received else None)
    output = event_text(received.event) if received else "null"
    return replace(step, status=Status.DONE, ended_order=order, ended=now, due=None, output=output, wait=wait)


def _matches(wait: Wait, received: Received) -> bool:
    for alternative in wait.alternatives:
        if match_key(wait.event_name, alternative.shape, received.event) != alternative.key:
            continue
        if alternative.residual is None:
            return True
        try:
            if residual_holds(alternative.residual, alternative.bindings, received.event, received.received_at):
                return True
        except MatchError:
            continue  # no match; the matcher, which meets the event first, has counted it and told the wait
    return False
