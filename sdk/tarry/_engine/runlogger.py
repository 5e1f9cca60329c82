"""The logger of a run, ``ctx.logger``: it logs a repeated line of code once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tarry._wire.steady_logger import steady_logger

if TYPE_CHECKING:
    from tarry._engine.engine import Engine

__all__ = ["RunLogger"]


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs under ``tarry.run.<function id>``; each record has a ``run_id`` and a ``function_id``.

    Code outside of steps runs again at each resume. The logger is silent during replay; in a step's body it logs
    everything. A line may come twice if it stands between the last stored step and the place where an executor died, or
    where the function raised and is retried.
    """

    def __init__(self, engine: Engine, run_id: str, function_id: str) -> None:
        super().__init__(steady_logger(f"tarry.run.{function_id}"), {"run_id": run_id, "function_id": function_id})
        self._engine = engine

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name, through which every line goes
        """Whether a line of this level would be logged now."""
        return not self._engine.is_repeating and super().isEnabledFor(level)
