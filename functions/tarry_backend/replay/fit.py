"""The error of a function that no longer fits its run's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry.errors import ReplayError
from tarry_backend.replay.outcome import of_error

if TYPE_CHECKING:
    from tarry_backend.model.step import Step
    from tarry_backend.replay.outcome import Failed

__all__ = ["misfit"]


def misfit(function_id: str, asked: str, kept: Step) -> Failed:
    """Return the failure of a function that asks for something else than the stored step."""
    return of_error(
        ReplayError(
            f"function {function_id!r} no longer fits its run: the run has stored {kept.kind} step {kept.key!r}, "
            f"but the function asks for {asked}. Restore the step under its id, or start a new run."
        )
    )
