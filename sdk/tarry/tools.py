"""What the step tools of both kinds of function have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry._engine.engine import Engine

__all__ = ["Tools"]


class Tools:
    """The common base of both faces: the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def idempotency_key(self) -> str:
        """In a step's body: the step's key, the same at each attempt.

        A step that was cut off before its result was stored runs again (at least once). Pass the key to a payment
        provider, for example, so that it makes one payment.
        """
        return self._engine.idempotency_key
