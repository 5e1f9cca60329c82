"""The lookup of the event that ends a wait. Pure, except that it reads the given log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.matching import MatchError, match_key, residual_holds
from tarry_backend.model.position import Position
from tarry_backend.model.step import Status
from tarry_backend.store.event_json import event_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.step import Step, Wait
    from tarry_backend.store import EventLog, Name, Store

__all__ = ["OVERTAKEN", "TAIL", "admits", "earliest", "ended", "matches", "overtaken"]

TAIL = 360_000
"""How many milliseconds of a log by name a wait's deadline reads again.

Older events have been handled: the index has settled, and another matcher follows a dead one within a minute, at most
five times.
"""

OVERTAKEN = 20
"""How many earlier events of a log by name a resume searches for one that was overtaken.

Parallel matchers, and an index that lags, let events overtake a few others.
"""


def admits(wait: Wait, event_name: str, position: Position, excluded: AbstractSet[str]) -> bool:
    """Whether an event of that name, at that position, may end the wait, if it matches."""
    if position.received_at > wait.deadline or position.event_id in excluded:
        return False
    return any(each.event_name == event_name and each.since < position for each in wait.all)


def earliest(
    wait: Wait,
    store: Store,
    names: Callable[[str], Name],
    until: int,
    excluded: AbstractSet[str],
    *,
    named_since: int = 0,
) -> ReceivedEvent | None:
    """Return the earliest event in the log, received up to ``until``, that ends the wait.

    ``names`` returns what is known of an event's name. It must be fresh where no later look corrects it. In a log by
    name, only events received after ``named_since`` count.
    """

    def of_one(each: Wait) -> ReceivedEvent | None:
        by_name = max(each.since, Position(named_since))
        events = _events(each, store.log, names(each.event_name), by_name, min(each.deadline, until))
        return _first(each, events, excluded)

    return _earliest(of_one(each) for each in wait.all if each.alternatives)


def overtaken(wait: Wait, store: Store, position: Position, excluded: AbstractSet[str]) -> ReceivedEvent | None:
    """Return the earliest event before that position that ends the wait, and that the wait has not received yet.

    A busy log is read by the wait's keys. In the two minutes until all of them are there, this finds nothing.
    """

    def of_one(each: Wait) -> ReceivedEvent | None:
        events = _last(each, store.log, store.names.recent(each.event_name), position)
        return _first(each, (received for received in events if received.position < position), excluded)

    return _earliest(of_one(each) for each in wait.all if each.alternatives)


def _earliest(found: Iterable[ReceivedEvent | None]) -> ReceivedEvent | None:
    return min((each for each in found if each), key=lambda received: received.position, default=None)


def _first(wait: Wait, events: Iterable[ReceivedEvent], excluded: AbstractSet[str]) -> ReceivedEvent | None:
    return next((each for each in events if each.event.id not in excluded and matches(wait, each)), None)


def _last(wait: Wait, log: EventLog, name: Name, position: Position) -> Iterable[ReceivedEvent]:
    if position <= wait.since:
        return ()
    if name.hot_since is None:
        return log.last(wait.event_name, wait.since, position, OVERTAKEN)
    since = max(wait.since, Position.after(name.keyed_since or 0))
    return log.read_keyed([each.key for each in wait.alternatives], since, position.received_at)


def _events(wait: Wait, log: EventLog, name: Name, by_name: Position, until: int) -> Iterator[ReceivedEvent]:
    """Yield the events that could match, in order. A busy log is read by the wait's keys, once it has all of them:

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


def ended(step: Step, received: ReceivedEvent | None, order: int, now: int) -> Step:
    """Return the wait's step after an event, or its deadline, has ended it."""
    assert step.wait is not None
    wait = step.wait.resolved(received.position if received else None)
    output = event_text(received.event) if received else "null"
    return replace(step, status=Status.DONE, ended_order=order, ended=now, due=None, output=output, wait=wait)


def matches(wait: Wait, received: ReceivedEvent) -> bool:
    """Whether one of the wait's alternatives holds for the event, wherever the event is in the log."""
    for alternative in wait.alternatives:
        if match_key(wait.event_name, alternative.shape, received.event) != alternative.key:
            continue
        if alternative.residual is None:
            return True
        try:
            if residual_holds(alternative.residual, alternative.bindings, received.event, received.received_at):
                return True
        except MatchError:
            continue  # no match; the matcher, which sees the event first, has counted it and noted it on the wait
    return False
