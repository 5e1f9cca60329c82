"""Middleware: code around functions, steps, their outputs, and events that you send.

The hooks of one invocation, with two middlewares. ``A`` was registered first, so it is the outer one:

    A, B transform_input          each replay, before Tarry calls the function
    A, B before_execution
        A, B restore_output       each stored output, before the function gets it
        A, B before_step          once each attempt of a step's body
            the body
        B, A transform_output     the body's output, before Tarry stores it
        B, A after_step
        A, B restore_output       the output that was just stored
    B, A transform_output         the function's output
    B, A after_execution          when the function pauses or has ended
"""

from __future__ import annotations

import inspect
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
    """The step that a hook surrounds.

    Attributes:
        id: The stored id, such as ``pack:1`` for the second ``pack``.
        kind: The kind of step: ``run``, ``send``, ``wait``, ``sleep``…
        attempt: The attempt, from 0.
        args: The positional arguments that ``step.run`` passes to the body. Empty when a stored output is restored.
        kwargs: The keyword arguments, likewise.
        began: When it first began, in Unix milliseconds; there when a stored output is restored.
        ended: When it ended, likewise.
        is_new: Whether the function gets this output for the first time, as far as this invocation knows. It may come
            once more after a Lambda has died.
        written: Writes what JSON has no form for, such as a ``Decimal``, if the step gives a type that has such parts.
    """

    id: str
    kind: str
    attempt: int
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    began: int | None = None
    ended: int | None = None
    is_new: bool = True
    written: Callable[[object], object] | None = field(default=None, repr=False, compare=False)


class Middleware:
    """Base class of your middleware: write hooks, and pass the class to ``App`` or ``create_function``.

    Tarry makes an instance for each invocation of a run, and for each ``app.send`` outside of a run. So a hook may
    store its own state on ``self``. A hook is a ``def`` or an ``async def``. Tarry calls a ``def`` on the event loop,
    so it must not block. No hook may call a step.

    Hooks run on the event loop of their invocation, which ends with it. So keep a client that a hook awaits on
    ``self``, not in the module. The bodies of steps have a loop of their own.

    If a hook raises, Tarry wraps the error in ``MiddlewareError``. It fails the attempt of the step or function that
    the hook surrounds, and Tarry retries that attempt. ``NonRetriableError`` and ``RetryAfterError`` are not wrapped.

    Hooks around a function run at each replay, so they must give the function the same values each time. Hooks around a
    step run with its body, once each attempt.
    """

    hides_arguments: bool = False
    """Whether Tarry stores no arguments of steps. It then does not notice that code asks for a step with others."""

    def transform_input(self, ctx: Context | ContextSync, function: Function) -> Awaitable[None] | None:
        """Change the function's input, at each replay before Tarry calls the function.

        Args:
            ctx: The context. You may set its attributes, such as ``ctx.event``, and ``ctx.events`` of a batch.
            function: The function that Tarry calls.
        """
        return None

    def before_execution(self) -> Awaitable[None] | None:
        """Run at each replay, after all ``transform_input`` hooks, just before Tarry calls the function."""
        return None

    def after_execution(self, status: Status, error: BaseException | None) -> Awaitable[None] | None:
        """Run at the end of each replay, before Tarry stores the run's new state.

        Args:
            status: ``finished``, ``failed`` (which may be retried) or ``paused``.
            error: The error that failed the function, or ``None``.
        """
        return None

    def before_step(self, step: StepInfo) -> Awaitable[None] | None:
        """Run before each attempt of a ``step.run`` or ``step.send_event``."""
        return None

    def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> Awaitable[None] | None:
        """Run after that attempt, before Tarry stores its result. It does not run if the attempt was cut off.

        Args:
            step: The step.
            output: What the body returned, before ``transform_output``.
            error: The error that the attempt raised, or ``None``.
        """
        return None

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        """Return the output to store instead of what the body or the function returned.

        The output must be JSON after the last middleware. The hook does not run after an error.

        Args:
            output: What the ``step.run`` body or the function returned.
            step: The step, or ``None`` for the function's own output.
        """
        return output

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        """Return the output to give the function instead of the stored one: the inverse of ``transform_output``.

        It runs at each replay, for each step that has an output, of whatever kind; see ``step.kind``.

        Args:
            output: The stored output. That of a wait is the event as a dict (``name``, ``data``, ``id``…), or ``None``.
            step: The step.
        """
        return output

    def before_send_events(self, events: Sequence[Event]) -> Any:
        """Return the events to send instead of the given ones.

        ``app.send`` has no event loop, so the hook cannot await anything there.

        Args:
            events: The events of ``app.send`` or ``step.send_event``. Tarry fills in an empty ``id`` later.
        """
        return events

    def after_send_events(self, events: Sequence[Event], error: BaseException | None) -> Awaitable[None] | None:
        """Run after the send.

        Args:
            events: The events; with their ids, if they were sent.
            error: Why they were not sent, or ``None``.
        """
        return None


def checked_middleware(middleware: Sequence[Any], whose: str) -> tuple[MakeMiddleware, ...]:
    """Return the middlewares if Tarry can make and call each; else raise ``UsageError``."""
    for each in middleware:
        if isinstance(each, type) and issubclass(each, Middleware):
            _check_class(each, whose)
        if isinstance(each, Middleware) or not callable(each):
            raise UsageError(
                f"{whose}: middleware has {each!r}; give the class, or a function that returns an instance: "
                "Tarry makes one for each invocation"
            )
    return tuple(middleware)


_UNKNOWN = frozenset({"before_memoization", "after_memoization", "before_response"})
"""Hooks of Inngest's that Tarry does not have: see docs/migrating.md."""


def _check_class(kind: type[Middleware], whose: str) -> None:
    """Raise ``UsageError`` if Tarry cannot make the class, or call one of its hooks."""
    what = f"{whose}: middleware {kind.__name__}"
    if not _takes(kind, 0):
        raise UsageError(f"{what} takes {_shown(kind)}; Tarry makes it without arguments")
    for name, hook in vars(Middleware).items():
        own = getattr(kind, name)
        if name.startswith("_") or own is hook or not callable(hook):
            continue
        wanted = inspect.signature(hook)
        if not _takes(own, len(wanted.parameters)):
            expected = f"({', '.join(wanted.parameters)})"
            raise UsageError(f"{what}.{name} takes {_shown(own)}; Tarry calls it with {expected}")
    for name in sorted(_UNKNOWN):
        if hasattr(kind, name):
            raise UsageError(
                f"{what} has {name}, which Tarry never calls: use before_step, after_step or restore_output"
            )


def _takes(called: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(called).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:  # it has no signature
        return True
    return True


def _shown(called: Callable[..., Any]) -> str:
    signature = inspect.signature(called)
    return str(signature.replace(return_annotation=signature.empty))
