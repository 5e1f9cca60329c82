"""The run whose code is running, for libraries that are not handed a context."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry.context import Context, ContextSync

__all__ = ["CURRENT", "CurrentRun", "current"]

CURRENT: ContextVar[Context | ContextSync | None] = ContextVar("tarry_current", default=None)
"""The context of the run whose code is running: in the function, its branches, and the bodies of its steps."""


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """What ``tarry.current()`` tells of the code that calls it.

    Attributes:
        context: The context of the run: a ``Context``, or a ``ContextSync`` for a plain ``def``.
        is_in_step: Whether the code is a step's body. There it may do anything, and may call no step tool.
        is_replaying: Whether the code, outside of steps, repeats what the run has done before.
    """

    context: Context | ContextSync
    is_in_step: bool
    is_replaying: bool


def current() -> CurrentRun | None:
    """Return the run whose code calls this, or ``None`` outside of a run.

    It is for code that gets no ``ctx``, such as a framework's. That code can make a step where it may, and do the work
    at once elsewhere:

        here = tarry.current()
        if here is None or here.is_in_step:
            return ask(prompt)

    A thread that your code starts itself has no current run, unless you give it a copy of the context variables.
    """
    context = CURRENT.get()
    if context is None:
        return None
    engine = context._engine
    return CurrentRun(context, engine.is_in_step, engine.is_repeating)
