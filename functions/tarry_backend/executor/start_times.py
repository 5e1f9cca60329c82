"""The times at which runs begin whose function has a throttle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.matching.start_keys import pace_key

if TYPE_CHECKING:
    from tarry import Function
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["StartTimes"]


class StartTimes:
    """The times that runs take. A function without a throttle costs no request."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store = store
        self._meter = meter

    def take(self, function: Function, snapshot: RunSnapshot) -> int | None:
        """Return the time at which a run may begin, which it takes now; ``None`` if it needs none, or has one.

        created ── takes a time ── stored, due then ┄┄┄┄ wake ── begins
                   takes now ── begins
        """
        throttle, run = function.flow.throttle, snapshot.run
        if throttle is None or run.paced is not None or _has_begun(snapshot):
            return None
        from tarry_backend.model.pace import Pace  # few functions have a throttle

        name, lacks_value = pace_key(function, throttle.key, run.event, run.received_at)
        self._meter.count("MatchErrors", lacks_value)
        limit = (self._store.controls.recent(function.id).throttle if function.is_pausable else None) or throttle.limit
        return self._store.paces.reserve(name, Pace.of(limit, throttle.span, throttle.burst), now())


def _has_begun(snapshot: RunSnapshot) -> bool:
    """Return whether the run has begun before: with a step, an attempt, a life, or as a run that handed over to it."""
    run = snapshot.run
    return bool(snapshot.steps) or run.attempt > 0 or run.life > 1 or run.chain is not None
