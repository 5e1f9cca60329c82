"""The step tools, ``ctx.step``: each call is a step, whose result is kept.

A step id names the step within its function. The same id may come again, as in a loop: the second time it
is kept as ``id:1``, then ``id:2``. Leave ids alone when you change the code: runs in flight find their kept
steps by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from tarry._engine.operations import (
    CollectEvents,
    InvokeFunction,
    RunStep,
    SendEvent,
    Sleep,
    WaitForEvent,
    WaitForSignal,
)
from tarry.eventtypes import as_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from tarry._engine.engine import Engine
    from tarry.durations import Duration, Timeout
    from tarry.event import Event, Typed
    from tarry.eventtypes import Sendable
    from tarry.function import Function
    from tarry.matches import EventMatch

__all__ = ["Step", "Tools"]

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound="Typed")


class Tools:
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


class Step(Tools):
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
        return await self._engine.perform(RunStep(step_id, handler, args, kwargs))

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Goes on after ``duration`` (``timedelta``, ``"1h30m"``, milliseconds), up to 366 days."""
        await self._engine.perform(Sleep(step_id, duration))

    async def sleep_until(self, step_id: str, until: datetime) -> None:
        """Goes on at ``until``, an aware ``datetime`` at most 366 days away; at once if it is past."""
        await self._engine.perform(Sleep(step_id, until))

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
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback)
        return wait.result(await self._engine.perform(wait))

    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
    ) -> Any:
        """The data of the signal that ``app.send_signal`` sends under this name, or ``None`` at the deadline.

        ``signal`` is a name of your own that says who is meant, such as ``f"approval/{order_id}"``; at most 512
        bytes. One step waits for a name at a time, in the whole app: a second one fails its run here, with a
        ``UsageError`` that names the first. A signal that is kept (``keep=``) is there at once. One that was sent
        without data gives ``{}``.

        ``timeout`` is as that of ``wait_for_event``. A signal that its sender was told is delivered is never lost to
        the deadline: whichever came first at the name counts.
        """
        return await self._engine.perform(WaitForSignal(step_id, signal, timeout))

    async def wait_for_first(
        self,
        step_id: str,
        events: Sequence[EventMatch],
        *,
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        lookback: Duration | None = None,
    ) -> Any:
        """The earliest event that one of ``events`` is for, or ``None`` if none is received by the deadline.

        ``events`` are up to 10 ``tarry.EventMatch``, of one name or of several; the event's ``name`` tells which it is.
        What is asked for by an event type comes as that. It is one step and one wait, so nothing is left of the others
        when it ends. ``timeout`` and ``lookback`` are those of ``wait_for_event``, and so is what is raised.
        """
        wait = WaitForEvent.first(step_id, events, timeout, lookback)
        return wait.result(await self._engine.perform(wait))

    @overload
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        count: int | None = None,
        until: Callable[[list[Event]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> list[Event]: ...
    @overload
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        count: int | None = None,
        until: Callable[[list[E]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> list[E]: ...
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
        count: int | None = None,
        until: Callable[[list[Any]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """The matching events, in the order in which they came: ``count`` of them, or those received by the deadline.

        ``until`` is asked with the events so far, after each: it ends the collecting where it is true. Like all code
        outside of steps it is asked again at each replay, so it goes by the events alone. With neither, all that come
        by the deadline are collected. None is counted twice, and none is lost between two.

        Each event that comes is a step of the run (``step_id``, ``step_id:1``, …) and counts towards its most steps.
        The other parameters, and what is raised, are those of ``wait_for_event``.
        """
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback)
        collect = CollectEvents(wait, count, until)
        return collect.result(await self._engine.perform(collect))

    async def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """Puts events on the app's bus and returns their ids, which are the same at each attempt.

        Each is an ``Event``, or an instance of an event type (see ``tarry.event_type``).
        """
        sent: list[str] = await self._engine.perform(SendEvent(step_id, as_events(events)))
        return sent

    async def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
    ) -> Any:
        """Starts a function of this app, whatever its triggers, and returns what it returns.

        It runs as a run of its own, with its own steps and retries; this run waits meanwhile, and costs nothing.
        Its event is ``tarry/function.invoked``, with ``data`` (a JSON object; under its key ``_tarry`` Tarry says
        who invokes whom) and ``user``; event and result may have what events and outputs may have: 1 MB, and 4 MB.

        If the function fails for good, ``StepError`` is raised here, with the name, message and stack of its error;
        if it is cancelled, with the name ``InvocationCancelledError``. ``timeout`` is what ``wait_for_event`` takes;
        without one there is no limit. If the function has not ended by then, ``StepError`` has the name
        ``InvokeTimeoutError``. The function goes on all the same, as it does if this run is cancelled.

        A function that the app has not, and data that no event can have, fail the run here with ``UsageError`` or
        ``EventError``, and are nothing to catch.
        """
        return await self._engine.perform(InvokeFunction.of(step_id, function, data, user, timeout))

    async def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a deadline that is kept, not one of the event loop
    ) -> Any:
        """As ``invoke``, by the function's ``fn_id``: of a function that is defined further down, say.

        ``app_id`` can only be this app's own: to have another app do something, send it an event, and wait for its
        answer.
        """
        return await self._engine.perform(InvokeFunction(step_id, app_id, function_id, data, user, timeout))
