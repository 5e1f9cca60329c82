"""The admission of events: whether an event starts a run of a function, decided in the transaction that creates it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.executor.singleton_turns import SingletonTurns
from tarry_backend.matching.start_keys import start_key
from tarry_backend.model.trace import NoRun, Trace
from tarry_backend.store import ConflictError, OverlapError, counted_claim, once_claim
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from tarry import Function
    from tarry_backend.model.run import Run
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Claim, Store
    from tarry_backend.telemetry import Meter

__all__ = ["RunAdmission", "Verdict"]

_TRIES = 100
"""How often the executor reads a limiter anew that others have changed meanwhile. One of those has started a run."""

_COUNTS = {
    NoRun.IDEMPOTENCY: "Duplicates",
    NoRun.LIMITED: "Limited",
    NoRun.DRAINING: "Drained",
    NoRun.SKIPPED: "Skipped",
    NoRun.SUPERSEDED: "Skipped",
}
"""The metric that counts the events without a run, by what decided."""


class Verdict(Enum):
    """What became of an event: it has started a run now, it had been decided before, or it starts none."""

    NOW = auto()
    BEFORE = auto()
    NOT = auto()


class RunAdmission:
    """The admission of events to the functions of an app. A function without such an option costs no request for it."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._starts = store.starts
        self._store = store
        self._turns = SingletonTurns(store, queues, meter)
        self._meter = meter

    def admit(self, function: Function | None, run: Run, once: str | None) -> tuple[Verdict, Run]:
        """Store the run, or a trace in its place; return the run as it is stored. Limits are current."""
        if function is not None and self._is_draining(function):
            return self._refuse(Trace(run.id, run.function_id, NoRun.DRAINING, now())), run
        for _ in range(_TRIES if function is not None and function.flow.decides_starts else 1):
            claims = [] if once is None else [once_claim(run, once)]
            new: Run = run
            stops: tuple[str, ...] = ()
            if function is not None:
                if isinstance(counted := self._counted(function, run), Trace):
                    return self._refuse(counted), run
                if isinstance(turn := self._turns.claim(function, run), Trace):
                    return self._refuse(turn), run
                claims += [] if counted is None else [counted]
                if turn is not None:
                    new, claims, stops = turn.run, [*claims, turn.claim], turn.stops
            verdict = self._begin(new, claims, has_value=once is not None)
            if verdict is Verdict.NOW:
                self._turns.stop(stops)
            if verdict is not None:
                return verdict, new
        raise ConflictError(f"the limits of function {run.function_id!r} change all the time: SQS delivers it again")

    def _begin(self, run: Run, claims: list[Claim], *, has_value: bool) -> Verdict | None:
        """Store the run with its claims; return ``None`` if another start has changed what it claims meanwhile."""
        try:
            refused = self._starts.begin(run, *claims)
        except OverlapError:
            if len(claims) > has_value:
                return None
            raise
        if not refused:
            return Verdict.NOW
        if refused[0]:
            return Verdict.BEFORE
        if has_value and refused[1]:
            return self._refuse(Trace(run.id, run.function_id, NoRun.IDEMPOTENCY, now()))
        return None

    def _counted(self, function: Function, run: Run) -> Claim | Trace | None:
        """Return the run's claim on a place in its limiter, or its trace if there is none.

        An event for which the key has no value is not limited: nothing is dropped by mistake.
        """
        if (limit := function.flow.rate_limit) is None:
            return None
        if (name := start_key(function, limit.key, run.event, run.received_at)) is None:
            self._meter.count("MatchErrors")
            return None
        before = self._starts.counted(name)
        most = (self._store.controls.recent(function.id).rate_limit if function.is_pausable else None) or limit.limit
        after = before.with_one(run.received_at, most, limit.span)
        if after is not None:
            return counted_claim(name, before, after, limit.span)
        free_at = before.free_at(most, limit.span)
        return Trace(run.id, run.function_id, NoRun.LIMITED, now(), free_at=free_at)

    def _is_draining(self, function: Function) -> bool:
        return function.is_pausable and self._store.controls.recent(function.id).draining is not None

    def _refuse(self, trace: Trace) -> Verdict:
        """Store the trace, unless the event has been decided before: by an executor that died, or was slower."""
        if not self._starts.leave(trace):
            return Verdict.BEFORE
        logger.info("an event starts no run %s of function %s: %s", trace.run_id, trace.function_id, trace)
        self._meter.count(_COUNTS[trace.why])
        return Verdict.NOT
