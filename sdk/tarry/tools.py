"""What the step tools of both kinds of function have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry._engine.step_options import optioned

if TYPE_CHECKING:
    from typing import Self

    from tarry._engine.engine import Engine

__all__ = ["Tools"]


class Tools:
    """The common base of both faces: the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def with_options(self, *, retries: int | None = None) -> Self:
        """Return the same tools with options for the ``run`` and ``send_event`` that you call on them.

        ``ctx.step.with_options(retries=0).run("charge", charge, order)`` leaves all arguments of ``run`` to ``charge``.

        Args:
            retries: How often Tarry retries the failing step, 0 to 20, instead of the function's ``retries``.

        Raises:
            UsageError: An option is not valid, or another tool than these is called.
        """
        return type(self)(optioned(self._engine, retries))

    @property
    def idempotency_key(self) -> str:
        """In a step's body: the step's key, the same at each attempt.

        A step that was cut off before its result was stored runs again (at least once). Pass the key to a payment
        provider, for example, so that it makes one payment.
        """
        return self._engine.idempotency_key
