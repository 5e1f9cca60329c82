"""Several middlewares as one: the order of their hooks, and the handling of their errors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeVar

from tarry._engine.error_text import leaves, shown
from tarry._engine.interruption import Presence
from tarry.errors import MiddlewareError, NonRetriableError, RetryAfterError, SendError, UsageError
from tarry.event import check_event
from tarry.middleware import Middleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator

    from tarry.context import Context, ContextSync
    from tarry.event import Event
    from tarry.function import Function
    from tarry.middleware import Status, StepInfo

__all__ = ["Chain"]

T = TypeVar("T")


class Chain:
    """The middlewares of one invocation, the outermost first. It is false if there are none."""

    def __init__(self, makers: Sequence[Callable[[], object]]) -> None:
        self._makers = makers
        self._parts: list[Middleware] = []
        self._entered: list[Middleware] = []

    def __bool__(self) -> bool:
        return bool(self._makers)

    @property
    def hides_arguments(self) -> bool:
        """Whether a middleware asks that no arguments of steps are stored."""
        return any(part.hides_arguments for part in self._parts)

    def begin(self) -> Chain:
        """Make the instances."""
        self._parts = [_made(maker) for maker in self._makers]
        return self

    async def enter(self, ctx: Context | ContextSync, function: Function) -> None:
        """Run the hooks before the function is called."""
        for part in self._parts:
            await _ask(part, "transform_input", ctx, function)
        for part in self._parts:
            await _ask(part, "before_execution")
            self._entered.append(part)

    async def leave(self, status: Status, error: BaseException | None) -> None:
        """Run every ``after_execution`` hook; raise the first error among them."""
        failures = await _each(reversed(self._entered), lambda part: _ask(part, "after_execution", status, error))
        if failures:
            raise failures[0]

    async def attempt(self, step: StepInfo, body: Callable[[], Awaitable[Any]]) -> Any:
        """Run one attempt of a step within the hooks; return the output to store."""
        output: Any = None

        async def transformed() -> Any:
            nonlocal output
            output = await body()
            return await self.transform(output, step) if step.kind == "run" else output

        return await self._within(
            lambda part: _ask(part, "before_step", step),
            transformed,
            lambda part, error: _ask(part, "after_step", step, output, error),
        )

    async def transform(self, output: Any, step: StepInfo | None) -> Any:
        """Return the output to store; the innermost middleware transforms first."""
        for part in reversed(self._parts):
            output = await _ask(part, "transform_output", output, step)
        return output

    async def restore(self, output: Any, step: StepInfo) -> Any:
        """Return the output to give the function; the outermost middleware restores first."""
        for part in self._parts:
            output = await _ask(part, "restore_output", output, step)
        return output

    async def send(
        self, events: Sequence[Event], put: Callable[[Sequence[Event]], list[str] | Awaitable[list[str]]]
    ) -> list[str]:
        """Send events by ``put``, which returns their ids, or the answer that will be them."""
        asked = events

        async def before(part: Middleware) -> None:
            nonlocal events
            given = await _ask(part, "before_send_events", events)
            events = _checked_events(part, given)

        async def sent() -> list[str]:
            nonlocal events
            try:
                answer = put(events)
                ids = await answer if isawaitable(answer) else answer
            except SendError as error:
                if len(events) == len(asked):  # sent again, they come through the hooks again
                    error.left = tuple(replace(asked[place], id=each.id) for place, each in error.placed())
                raise
            events = [replace(event, id=id_) for event, id_ in zip(events, ids, strict=True)]
            return ids

        return await self._within(before, sent, lambda part, error: _ask(part, "after_send_events", events, error))

    def send_now(self, events: Sequence[Event], put: Callable[[Sequence[Event]], list[str]]) -> list[str]:
        """Send events where there is no event loop."""
        sending: Coroutine[Any, Any, list[str]] = self.send(events, put)
        try:
            sending.send(None)
        except StopIteration as end:
            ids: list[str] = end.value
            return ids
        sending.close()
        raise UsageError(
            "a middleware awaits in app.send_sync, which has no event loop: make its send hooks plain defs, or write "
            "await app.send(...) in async code"
        )

    async def _within(
        self,
        before: Callable[[Middleware], Awaitable[Any]],
        body: Callable[[], Awaitable[T]],
        after: Callable[[Middleware, BaseException | None], Awaitable[Any]],
    ) -> T:
        """Run the body, and raise the first error of it and its hooks.

        Each middleware whose ``before`` succeeded gets its ``after``, the last one first.
        """
        entered: list[Middleware] = []
        results: list[T] = []
        error: BaseException | None = None
        presence = Presence()
        try:
            for part in self._parts:
                await before(part)
                entered.append(part)
            results.append(await body())
        except GeneratorExit:  # nothing may be awaited any more
            raise
        except BaseException as caught:
            if presence.is_cut_off(caught):
                raise
            error = caught
        failures = await _each(reversed(entered), lambda part: after(part, error))
        for failure in (error, *failures):
            if failure is not None:
                raise failure
        return results[0]


def _made(maker: Callable[[], object]) -> Middleware:
    name = getattr(maker, "__name__", repr(maker))
    with _attributed(name):
        made = maker()
    if not isinstance(made, Middleware):
        raise UsageError(f"middleware {name} returns {shown(made)}; return an instance of tarry.Middleware")
    return made


async def _each(parts: Iterable[Middleware], ask: Callable[[Middleware], Awaitable[Any]]) -> list[BaseException]:
    """Call ``ask`` for each part, whatever the others raise; return what they raised."""
    failures: list[BaseException] = []
    presence = Presence()
    for part in parts:
        try:
            await ask(part)
        except BaseException as failure:
            if isinstance(failure, GeneratorExit) or presence.is_cut_off(failure):
                raise
            failures.append(failure)
    return failures


async def _ask(part: Middleware, hook: str, *args: Any) -> Any:
    with _attributed(f"{type(part).__name__}.{hook}"):
        answer = getattr(part, hook)(*args)
        return await answer if isawaitable(answer) else answer


@contextmanager
def _attributed(where: str) -> Iterator[None]:
    """Add the hook's name to its error. An error that decides about further attempts keeps its type."""
    try:
        yield
    except Exception as error:
        if not any(issubclass(type(each), NonRetriableError | RetryAfterError) for each in leaves(error)):
            raise MiddlewareError(where, error) from error
        with suppress(Exception):  # a class of user code's own, whose notes are something else
            BaseException.add_note(error, f"raised by middleware {where}")
        raise


def _checked_events(part: Middleware, given: Any) -> Sequence[Event]:
    if not isinstance(given, Sequence):
        raise UsageError(
            f"middleware {type(part).__name__}.before_send_events returns {shown(given)}; return the events"
        )
    return [check_event(event) for event in given]
