"""The step tools, ``ctx.step``: each call is a step, whose result is kept.

A step id names the step within its function. The same id may come again, as in a loop: the second time it
is kept as ``id:1``, then ``id:2``. Leave ids alone when you change the code: runs in flight find their kept
steps by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from tarry.errors import UsageError
from tarry.event import Event
from tarry.eventdata import given
from tarry.eventtypes import as_events, event_name_of
from tarry.operations import RunStep, SendEvent, Sleep, WaitForEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from tarry.durations import Duration, Timeout
    from tarry.eventtypes import Sendable, Typed
    from tarry.operations import Engine

__all__ = ["MAX_STEP_ID", "Step", "StepSync"]

MAX_STEP_ID = 512
"""The longest step id, in bytes of UTF-8: it is part of its item's key."""

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound="Typed")


class _Tools:
    """What both faces have: the engine, and how a call becomes an operation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def idempotency_key(self) -> str:
        """In a step's body: a key that is the same at each attempt of this step.

        A step that was cut off before its result was kept runs again (at least once). Hand the key to a
        payment provider, say, so that it sees one payment.
        """
        return self._engine.idempotency_key


class Step(_Tools):
    """The step tools of an ``async def`` function."""

    @overload
    async def run(self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    async def run(self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    async def run(self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls ``handler(*args, **kwargs)`` once, keeps what it returns, and returns that.

        ``handler`` is a function or an ``async def``; a plain function runs in a thread, so that parallel steps
        do not wait for each other. Its output must be JSON, at most 4 MB; dataclasses and pydantic models are
        kept, and come back, as dicts, tuples as lists. If it raises, it is tried again as the function's
        ``retries`` say, then ``StepError`` is raised here.
        """
        return await self._engine.perform(_run(step_id, handler, args, kwargs))

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Goes on after ``duration`` (``timedelta``, ``"1h30m"``, milliseconds), up to 366 days."""
        await self._engine.perform(Sleep(_checked(step_id), duration))

    async def sleep_until(self, step_id: str, until: datetime) -> None:
        """Goes on at ``until``, an aware ``datetime`` at most 366 days away; at once if it is past."""
        await self._engine.perform(Sleep(_checked(step_id), until))

    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Event | None: ...
    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> E | None: ...
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """The earliest event named ``event`` that matches, or ``None`` if none is received by the deadline.

        ``event`` is a name, or an event type (see ``tarry.event_type``): then it gives an instance of that. An event
        that matches, and whose data are not of the type, ends the wait with ``EventDataError``, which may be caught.

        ``if_exp`` is CEL over ``event`` (which started the run) and ``async`` (the incoming one), such as
        ``"async.data.userId == event.data.userId"``. ``match="data.userId"`` is short for just that: the same
        value at that path on both sides. With neither, any event of the name matches.

        ``timeout`` is a ``timedelta``, a text (``"3d"``, ``"1h30m"``), milliseconds, or an aware ``datetime``;
        at most 366 days. Zero or less gives ``None`` at once, after a look into the log.

        Events count from the moment at which the run's previous step began (or from where the last wait on this
        name left off), so that a reply to what the run just did is not missed. ``lookback="10m"`` reaches
        further back, as far as the log is kept (7 days unless configured); ``lookback=0`` listens from now on.

        What could never match as written fails the run here, with ``ExpressionError``, ``DurationError`` or
        ``EventError``, and is nothing to catch: the function would do the same at each replay.
        """
        return _event(await self._engine.perform(_wait(step_id, event, timeout, if_exp, match, lookback)), event)

    async def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """Puts events on the app's bus and returns their ids, which are the same at each attempt.

        Each is an ``Event``, or an instance of an event type (see ``tarry.event_type``).
        """
        sent: list[str] = await self._engine.perform(_send(step_id, events))
        return sent


class StepSync(_Tools):
    """The step tools of a plain ``def`` function: those of ``Step``, not awaited."""

    @overload
    def run(self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    def run(self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    def run(self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As ``Step.run``."""
        return self._engine.perform_sync(_run(step_id, handler, args, kwargs))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """As ``Step.sleep``."""
        self._engine.perform_sync(Sleep(_checked(step_id), duration))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """As ``Step.sleep_until``."""
        self._engine.perform_sync(Sleep(_checked(step_id), until))

    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Event | None: ...
    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> E | None: ...
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """As ``Step.wait_for_event``."""
        return _event(self._engine.perform_sync(_wait(step_id, event, timeout, if_exp, match, lookback)), event)

    def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """As ``Step.send_event``."""
        sent: list[str] = self._engine.perform_sync(_send(step_id, events))
        return sent


def _checked(step_id: object) -> str:
    if not isinstance(step_id, str) or not 0 < len(step_id.encode("utf-8", "surrogatepass")) <= MAX_STEP_ID:
        raise UsageError(f"a step id is a text of 1 to {MAX_STEP_ID} bytes, not {str(step_id)[:80]!r}")
    return step_id


def _run(step_id: str, handler: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> RunStep:
    if not callable(handler):
        raise UsageError(
            f"step {step_id!r}: give the function itself, its arguments after it, not {handler!r} (a call's result?)"
        )
    return RunStep(_checked(step_id), handler, args, kwargs)


def _wait(
    step_id: str,
    event: str | type[Any],
    timeout: Timeout,
    if_exp: str | None,
    match: str | None,
    lookback: Duration | None,
) -> WaitForEvent:
    if if_exp is not None and match is not None:
        raise UsageError(f"step {step_id!r}: give if_exp or match, not both")
    return WaitForEvent(_checked(step_id), event_name_of(event), timeout, if_exp, match, lookback)


def _send(step_id: str, events: Sendable | Sequence[Sendable]) -> SendEvent:
    return SendEvent(_checked(step_id), as_events(events))


def _event(output: Mapping[str, Any] | None, asked: str | type[Any]) -> Any:
    return None if output is None else given(Event(**output), asked)
