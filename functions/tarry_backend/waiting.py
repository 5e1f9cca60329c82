"""A wait and the log: which event ends it. Pure, but for the log that it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.matching import MatchError, match_key, residual_holds
from tarry_backend.replay.history import Status
from tarry_backend.store.events import event_text

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tarry_backend.position import Position
    from tarry_backend.received import Received
    from tarry_backend.replay.history import Step, Wait
    from tarry_backend.store import EventLog

__all__ = ["SKEW", "admits", "earliest", "ended"]

SKEW = 60_000
"""By how much, in milliseconds, the queue's clock may be ahead of a Lambda's."""


def admits(wait: Wait, position: Position, excluded: AbstractSet[str]) -> bool:
    """Whether an event at that position may end the wait, if it matches."""
    return wait.since < position and position.received_at <= wait.deadline and position.event_id not in excluded


def earliest(wait: Wait, log: EventLog, since: Position, now: int, excluded: AbstractSet[str]) -> Received | None:
    """The earliest event in the log, after ``since``, that ends the wait."""
    if not wait.alternatives:
        return None
    for received in log.read(wait.event_name, since, min(wait.deadline, now + SKEW)):
        if received.event.id not in excluded and _matches(wait, received):
            return received
    return None


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
