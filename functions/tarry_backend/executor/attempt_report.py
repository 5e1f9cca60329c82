"""The log line of a failed attempt that has a next one, written at once, whatever else the run still does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry._wire.steady_logger import steady_logger
from tarry_backend.model.moment import iso
from tarry_backend.model.own_code import place_in_stack
from tarry_backend.model.step import Status

if TYPE_CHECKING:
    from tarry import App
    from tarry_backend.model.run import Run
    from tarry_backend.model.step import Failure, Step

__all__ = ["ATTEMPTS", "report_attempt", "report_run_attempt"]

ATTEMPTS = "tarry.attempts"
"""The logger's name. Its records have ``run_id``, ``function_id`` and ``version``, that of the code."""

_MESSAGE = 1_000
"""The most characters of an error in the line. The stored error is longer."""

_logger = steady_logger(ATTEMPTS)


def report_attempt(run: Run, step: Step, app: App) -> None:
    """Log that an attempt of a step has failed, if the step is stored for its next attempt."""
    if step.status is Status.RETRYING and step.error is not None:
        function = app.functions.get(run.function_id)
        attempts = None if function is None else function.retries.limit + 1
        _report(run, f"step {step.key!r}", step.attempt, attempts, step.error, step.due)


def report_run_attempt(run: Run, error: Failure, attempts: int) -> None:
    """Log that an attempt of the function itself has failed."""
    _report(run, f"function {run.function_id!r}", run.attempt, attempts, error, run.due)


def _report(run: Run, what: str, failed: int, attempts: int | None, error: Failure, due: int | None) -> None:
    where = place_in_stack(error.stack)
    _logger.warning(
        "%s: attempt %s%s failed: %s: %s%s; attempt %s at %s",
        what,
        failed,
        "" if attempts is None else f" of {attempts}",
        error.name,
        error.message[:_MESSAGE],
        f" ({where})" if where else "",
        failed + 1,
        iso(due),
        extra={"run_id": run.id, "function_id": run.function_id, "version": error.version},
    )
