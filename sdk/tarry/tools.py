"""What the step tools of both kinds of function have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry._engine.optioned_engine import optioned
from tarry._engine.step_options import StepOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from tarry._engine.engine import Engine
    from tarry.durations import Duration

__all__ = ["Tools"]


class Tools:
    """The common base of both faces: the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def with_options(
        self,
        *,
        retries: int | None = None,
        backoff: Sequence[Duration] | None = None,
        timeout: Duration | None = None,
        at_most_once: bool | None = None,
    ) -> Self:
        """Return the same tools with options for the ``run`` and ``send_event`` that you call on them.

        ``ctx.step.with_options(retries=0).run("charge", charge, order)`` leaves all arguments of ``run`` to ``charge``.

        Args:
            retries: How often Tarry retries the failing step, 0 to 20, instead of the function's ``retries``.
            backoff: The pauses before the retries, instead of the function's ``backoff``; the last one repeats.
            timeout: How long one attempt of a ``run`` may take. Then Tarry cuts off the body, and the attempt fails
                with ``StepTimeoutError``. It must fit into the executor's own timeout, less a fifth or a minute.
            at_most_once: Whether a ``run`` is never repeated if a Lambda died in its body. Tarry then fails the step
                with ``StepInterruptedError``, since the body's effect may have taken place. Its ``retries`` are 0 if
                you give none. It costs one more write of the table for each attempt.

        Raises:
            UsageError: An option is not valid, or another tool than these is called.
        """
        return type(self)(optioned(self._engine, StepOptions(retries, backoff, timeout, at_most_once)))

    @property
    def idempotency_key(self) -> str:
        """In a step's body: the step's key, the same at each attempt.

        A step that was cut off before its result was stored runs again (at least once). Pass the key to a payment
        provider, for example, so that it makes one payment.
        """
        return self._engine.idempotency_key
