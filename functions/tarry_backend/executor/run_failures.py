"""The failures with which the executor itself fails a run, or parks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.model.step import Failure
from tarry_backend.queues.retry_runs import REMNANTS_ERROR

if TYPE_CHECKING:
    from tarry import App

__all__ = ["REMNANTS", "died", "missing"]

REMNANTS = Failure(
    REMNANTS_ERROR,
    "the same event has started this run before: that run ended, and time to live is removing its steps. They are not "
    "run again. Give an event of its own id to what is to run again",
)


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
