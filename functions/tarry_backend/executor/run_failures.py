"""The failures with which the executor itself fails a run, or parks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.model.step import Failure
from tarry_backend.store.leases import EXPIRED_ERROR, may_lack_steps

if TYPE_CHECKING:
    from tarry import App
    from tarry_backend.model.run import RunSnapshot

__all__ = ["LATE", "died", "expired", "missing"]

_REMNANTS = Failure(
    EXPIRED_ERROR,
    "the same event has started this run before: that run ended, and time to live is removing its steps. They are not "
    "run again. Give an event of its own id to what is to run again",
)

LATE = Failure(
    EXPIRED_ERROR,
    "no executor has worked on this run for too long after it was due, so time to live may have removed steps of it. "
    "They are not run again. Give an event of its own id to what is to run again",
)


def expired(snapshot: RunSnapshot, moment: int) -> Failure | None:
    """Return why a replay could run steps again that are no longer stored, or ``None``."""
    if snapshot.has_remnants:
        return _REMNANTS
    return LATE if may_lack_steps(snapshot, moment) else None


def missing(app: App, function_id: str) -> Failure:
    """Return the failure of a run whose function is not in the app."""
    return Failure(
        "FunctionMissing",
        f"app {app.id!r} has no function {function_id!r}, only {sorted(app.functions)}; restore it under that id",
    )


def died(deaths: int) -> Failure:
    """Return the failure of a run over whose message executors have died."""
    return Failure(
        "ExecutorDied",
        f"{deaths} executors died while they ran this function: it may run out of memory, exceed the Lambda's "
        "timeout, or end the process. See the executor's log; give it more memory or time, or smaller steps.",
    )
