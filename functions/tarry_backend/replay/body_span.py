"""The time that an attempt of a step may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tarry.steperrors import StepTimeoutError

if TYPE_CHECKING:
    from tarry._engine.operations import RunStep
    from tarry.durations import Duration

__all__ = ["FAREWELL", "BodySpan"]

FAREWELL = 5.0
"""How many seconds code has for its ``finally`` blocks: a suspended function, and a body that was cut off."""


@dataclass(frozen=True, slots=True)
class BodySpan:
    """The time of one attempt. ``seconds`` count from ``began``, on the monotonic clock."""

    step_id: str
    timeout: Duration
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, operation: RunStep) -> BodySpan | None:
        """Return the time of an attempt that begins now; ``None`` without a limit."""
        limit, timeout = operation.options.timeout_ms, operation.options.timeout
        return None if limit is None or timeout is None else cls(operation.id, timeout, limit / 1000)

    def left(self, more: float = 0.0) -> float:
        """Return how many seconds are left, with ``more`` seconds beyond the limit."""
        return self.began + self.seconds + more - time.monotonic()

    def error(self) -> StepTimeoutError:
        """Return the error of an attempt that has taken longer."""
        return StepTimeoutError(
            f"step {self.step_id!r}: its body did not end within timeout={self.timeout!r}, and was cut off; its effect "
            "may have taken place all the same"
        )
