"""Middleware: code around functions, steps, their outputs, and events that are sent.

Of one invocation, with two middlewares of which ``A`` was registered first, and so is the outer one:

    A, B transform_input          each replay, before the function is called
    A, B before_execution
        A, B restore_output       each kept output, when the function is given it
        A, B before_step          once each attempt of a step's body
            the body
        B, A transform_output     what the body returned, before it is kept
        B, A after_step
        A, B restore_output       and what is kept now is given in the same way
    B, A transform_output         what the function returned
    B, A after_execution          when it rests or has ended
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tarry.context import Context, ContextSync
    from tarry.event import Event
    from tarry.function import Function

    MakeMiddleware = Callable[[], "Middleware"]
    Status = Literal["finished", "failed", "paused"]

__all__ = ["Middleware", "StepInfo", "checked_middleware"]


@dataclass(frozen=True, slots=True)
class StepInfo:
    """The step that a hook is about.

    ``id`` is as it is kept (``pack:1`` for the second ``pack``), ``kind`` what it is: ``run``, ``send``, ``wait``,
    ``sleep``… ``attempt`` counts from 0. ``args`` and ``kwargs`` are those that ``step.run`` hands to the body; there
    are none where a kept output is restored.
    """

    id: str
    kind: str
    attempt: int
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


class Middleware:
    """Derive from it, write the hooks that you need, and give the class to ``App`` or ``create_function``.

    An instance is made for each invocation of a run (and for each ``app.send`` outside of one), so what a hook keeps on
    ``self`` is its own. A hook may be a ``def``, which is called on the event loop and must not block it, or an ``async
    def``. What it raises is wrapped into ``MiddlewareError``, and fails what it is around: the attempt of a step, or of
    the function. Both are tried again; ``NonRetriableError`` and ``RetryAfterError`` go on as they are. No hook may
    call a step.

    Hooks run on the event loop of their invocation, which ends with it. So keep a client that a hook awaits on
    ``self``, not in the module. The bodies of steps have a loop of their own.

    Hooks around a function run at each replay, and so must tell the function the same each time; those around a
    step run with its body, once each attempt.
    """

    def transform_input(self, ctx: Context | ContextSync, function: Function) -> Awaitable[None] | None:
        """At each replay, before the function is called: may set attributes of ``ctx``, such as ``ctx.event``."""
        return None

    def before_execution(self) -> Awaitable[None] | None:
        """At each replay, when every input is as it should be: the function is called next."""
        return None

    def after_execution(self, status: Status, error: BaseException | None) -> Awaitable[None] | None:
        """At the end of each replay, before the run's new state is kept. ``failed`` may be tried again."""
        return None

    def before_step(self, step: StepInfo) -> Awaitable[None] | None:
        """Before each attempt of what ``step.run`` and ``step.send_event`` do."""
        return None

    def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> Awaitable[None] | None:
        """After that attempt, unless it is cut off, and before its result is kept. ``output`` is the body's own."""
        return None

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        """Gives what is kept in place of what a ``step.run`` body, or (``step`` is ``None``) the function, returned.

        It must be JSON once all have had it. Nothing is transformed if there was an error.
        """
        return output

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        """Gives what the function is given in place of what was kept: the inverse of ``transform_output``.

        It is called for each step that has an output, of whatever kind, at each replay; see ``step.kind``. A wait's is
        the event as a dict (``name``, ``data``, ``id``…), or ``None``.
        """
        return output

    def before_send_events(self, events: Sequence[Event]) -> Any:
        """Gives the events to send in place of these, which ``app.send`` or ``step.send_event`` was called with.

        An ``id`` that is empty is given later. ``app.send`` has no event loop, so nothing can be awaited there.
        """
        return events

    def after_send_events(self, events: Sequence[Event], error: BaseException | None) -> Awaitable[None] | None:
        """When they have gone, with their ids, or have not."""
        return None


def checked_middleware(middleware: Sequence[Any], whose: str) -> tuple[MakeMiddleware, ...]:
    """The middlewares, if each can be made; else ``UsageError``."""
    for each in middleware:
        if isinstance(each, Middleware) or not callable(each):
            raise UsageError(
                f"{whose}: middleware holds {each!r}; give the class, or a function that makes an instance: one is "
                "made for each invocation"
            )
    return tuple(middleware)
