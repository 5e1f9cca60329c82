"""Whether a function is the one that made its run's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry.errors import ReplayError
from tarry_backend.replay.outcome import of_error

if TYPE_CHECKING:
    from tarry_backend.model.step import Step
    from tarry_backend.replay.outcome import Failed

__all__ = ["misfit"]


def misfit(function_id: str, asked: str, kept: Step) -> Failed:
    """The function asks for something where its run has kept that step."""
    return of_error(
        ReplayError(
            f"function {function_id!r} no longer fits its run: the run has kept {kept.kind} step {kept.key!r}, "
            f"the function asks for {asked}. Bring the step back under its id, or start the run anew."
        )
    )
