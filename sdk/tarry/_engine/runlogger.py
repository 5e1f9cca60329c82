"""The logger of a run, ``ctx.logger``: a line of code that is repeated is logged once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry._engine.engine import Engine

__all__ = ["RunLogger"]


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs under ``tarry.run.<function id>``; each record has a ``run_id`` and a ``function_id``.

    Code outside of steps runs again at each resume. What it logs is left out while it does what it has done before;
    in a step's body everything is logged. A line may come twice all the same if it stands between the last kept step
    and the place where an executor died, or where the function raised and is tried again.
    """

    def __init__(self, engine: Engine, run_id: str, function_id: str) -> None:
        super().__init__(logging.getLogger(f"tarry.run.{function_id}"), {"run_id": run_id, "function_id": function_id})
        self._engine = engine

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name, through which every line goes
        """Whether a line of this level would be logged now."""
        return not self._engine.is_repeating and super().isEnabledFor(level)
