"""The step tools, ``ctx.step``: each call is a step, whose result is kept.

A step id names the step within its function. The same id may come again, as in a loop: the second time it
is kept as ``id:1``, then ``id:2``. Leave ids alone when you change the code: runs in flight find their kept
steps by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from tarry.errors import UsageError
from tarry.event import Event
from tarry.eventdata import given
from tarry.eventtypes import as_events
from tarry.function import Function
from tarry.matches import EventMatch
from tarry.operations import (
    CollectEvents,
    InvokeFunction,
    RunStep,
    SendEvent,
    Sleep,
    WaitForEvent,
    WaitForSignal,
)
from tarry.signals import check_signal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from tarry.durations import Duration, Timeout
    from tarry.eventtypes import Sendable, Typed
    from tarry.operations import Engine

__all__ = ["MAX_FIRST", "MAX_STEP_ID", "OWN", "Step", "StepSync"]

MAX_FIRST = 10
"""For how many kinds of events one ``wait_for_first`` waits at most: each is asked for in the log by itself."""

MAX_STEP_ID = 512
"""The longest step id, in bytes of UTF-8: it is part of its item's key."""

OWN = "tarry/"
"""So begin the ids of what Tarry itself keeps among a run's steps, as the names of its own events do."""

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
        matches = _one(step_id, event, if_exp, match)
        return _event(await self._engine.perform(_wait(step_id, matches, timeout, lookback)), matches)

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
        return await self._engine.perform(_signal(step_id, signal, timeout))

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
        matches = _several(step_id, events)
        return _event(await self._engine.perform(_wait(step_id, matches, timeout, lookback)), matches)

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
        wait = _wait(step_id, _one(step_id, event, if_exp, match), timeout, lookback)
        collected = await self._engine.perform(_collect(wait, count, until, event))
        return [given(each, event) for each in collected]

    async def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """Puts events on the app's bus and returns their ids, which are the same at each attempt.

        Each is an ``Event``, or an instance of an event type (see ``tarry.event_type``).
        """
        sent: list[str] = await self._engine.perform(_send(step_id, events))
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
        return await self._engine.perform(_invoke(step_id, function, data, user, timeout))

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
        return await self._engine.perform(_invoke_by_id(step_id, app_id, function_id, data, user, timeout))


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
        matches = _one(step_id, event, if_exp, match)
        return _event(self._engine.perform_sync(_wait(step_id, matches, timeout, lookback)), matches)

    def wait_for_signal(self, step_id: str, *, signal: str, timeout: Timeout) -> Any:
        """As ``Step.wait_for_signal``."""
        return self._engine.perform_sync(_signal(step_id, signal, timeout))

    def wait_for_first(
        self,
        step_id: str,
        events: Sequence[EventMatch],
        *,
        timeout: Timeout,
        lookback: Duration | None = None,
    ) -> Any:
        """As ``Step.wait_for_first``."""
        matches = _several(step_id, events)
        return _event(self._engine.perform_sync(_wait(step_id, matches, timeout, lookback)), matches)

    @overload
    def wait_for_events(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,
        count: int | None = None,
        until: Callable[[list[Event]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> list[Event]: ...
    @overload
    def wait_for_events(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,
        count: int | None = None,
        until: Callable[[list[E]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> list[E]: ...
    def wait_for_events(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,
        count: int | None = None,
        until: Callable[[list[Any]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """As ``Step.wait_for_events``."""
        wait = _wait(step_id, _one(step_id, event, if_exp, match), timeout, lookback)
        collected = self._engine.perform_sync(_collect(wait, count, until, event))
        return [given(each, event) for each in collected]

    def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """As ``Step.send_event``."""
        sent: list[str] = self._engine.perform_sync(_send(step_id, events))
        return sent

    def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
    ) -> Any:
        """As ``Step.invoke``."""
        return self._engine.perform_sync(_invoke(step_id, function, data, user, timeout))

    def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
    ) -> Any:
        """As ``Step.invoke_by_id``."""
        return self._engine.perform_sync(_invoke_by_id(step_id, app_id, function_id, data, user, timeout))


def _checked(step_id: object) -> str:
    if not isinstance(step_id, str) or not 0 < len(step_id.encode("utf-8", "surrogatepass")) <= MAX_STEP_ID:
        raise UsageError(f"a step id is a text of 1 to {MAX_STEP_ID} bytes, not {str(step_id)[:80]!r}")
    if step_id.startswith(OWN):
        raise UsageError(f"step id {step_id[:80]!r}: ids that begin with {OWN!r} are Tarry's own; choose another")
    return step_id


def _run(step_id: str, handler: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> RunStep:
    if not callable(handler):
        raise UsageError(
            f"step {step_id!r}: give the function itself, its arguments after it, not {handler!r} (a call's result?)"
        )
    return RunStep(_checked(step_id), handler, args, kwargs)


def _wait(step_id: str, matches: tuple[EventMatch, ...], timeout: Timeout, lookback: Duration | None) -> WaitForEvent:
    return WaitForEvent(_checked(step_id), matches, timeout, lookback)


def _one(step_id: str, event: str | type[Any], if_exp: str | None, match: str | None) -> tuple[EventMatch, ...]:
    if if_exp is not None and match is not None:
        raise UsageError(f"step {step_id!r}: give if_exp or match, not both")
    return (EventMatch(event, if_exp, match),)


def _signal(step_id: str, signal: str, timeout: Timeout) -> WaitForSignal:
    return WaitForSignal(_checked(step_id), check_signal(signal), timeout)


def _several(step_id: str, events: Sequence[EventMatch]) -> tuple[EventMatch, ...]:
    several = tuple(events)
    if not all(isinstance(each, EventMatch) for each in several):
        raise UsageError(f"step {step_id!r}: wait_for_first takes a list of tarry.EventMatch, not {events!r}")
    if not 0 < len(several) <= MAX_FIRST:
        raise UsageError(f"step {step_id!r}: wait_for_first waits for 1 to {MAX_FIRST} events, not {len(several)}")
    return several


def _collect(
    wait: WaitForEvent, count: int | None, until: Callable[[list[Any]], bool] | None, asked: str | type[Any]
) -> CollectEvents:
    if count is not None and (type(count) is not int or count < 1):
        raise UsageError(f"step {wait.id!r}: count={count!r}; give how many events are wanted, 1 or more")
    if until is None:
        return CollectEvents(wait.id, wait, count, None)
    if not callable(until):
        raise UsageError(f"step {wait.id!r}: until={until!r}; give a function of the events so far")
    return CollectEvents(wait.id, wait, count, lambda events: until([given(each, asked) for each in events]))


def _send(step_id: str, events: Sendable | Sequence[Sendable]) -> SendEvent:
    return SendEvent(_checked(step_id), as_events(events))


def _invoke(
    step_id: str,
    function: Function,
    data: Mapping[str, Any] | None,
    user: Mapping[str, Any] | None,
    timeout: Timeout | None,
) -> InvokeFunction:
    if not isinstance(function, Function):
        raise UsageError(
            f"step {step_id!r}: give invoke what create_function has made, not {function!r}; or use invoke_by_id"
        )
    return _invoke_by_id(step_id, function.app_id, function.id, data, user, timeout)


def _invoke_by_id(
    step_id: str,
    app_id: str | None,
    function_id: str,
    data: Mapping[str, Any] | None,
    user: Mapping[str, Any] | None,
    timeout: Timeout | None,
) -> InvokeFunction:
    for name, value in (("data", data), ("user", user)):
        if not isinstance(value, Mapping | None):
            raise UsageError(f"step {step_id!r}: {name} is a JSON object, such as {{'id': 7}}, not {str(value)[:80]!r}")
    return InvokeFunction(_checked(step_id), app_id, function_id, data or {}, user, timeout)


def _event(output: Mapping[str, Any] | None, matches: Sequence[EventMatch]) -> Any:
    if output is None:
        return None
    event = Event(**output)
    return given(event, next((each.event for each in matches if each.name == event.name), event.name))
