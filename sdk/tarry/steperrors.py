"""The errors with which Tarry itself fails an attempt of a step. ``tarry.errors`` has the tree of all errors."""

from __future__ import annotations

from tarry.errors import TarryError

__all__ = ["StepInterruptedError", "StepTimeoutError"]


class StepTimeoutError(TarryError, TimeoutError):
    """An attempt of a step took longer than its ``timeout``. Tarry retries it as any failed attempt.

    After the last attempt the function gets a ``StepError`` whose ``is_a(StepTimeoutError)`` is true.
    """


class StepInterruptedError(TarryError):
    """A step that runs at most once was cut off: the effect of its body may have taken place, or not.

    Tarry does not run the step again. The function gets a ``StepError`` whose ``is_a(StepInterruptedError)`` is true.
    """
