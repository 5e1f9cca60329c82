"""The step tools that wait for events: those of ``tarry.step.Step``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from tarry._engine.operations import CollectEvents, WaitForEvent
from tarry._engine.step_call import awaited
from tarry.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tarry.durations import Duration, Timeout
    from tarry.event import Event, Typed
    from tarry.matches import EventMatch

__all__ = ["EventWaits"]

E = TypeVar("E", bound="Typed")
M = TypeVar("M")


class EventWaits(Tools):
    """The waits for events of an ``async def`` function."""

    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> Event | None: ...
    @overload
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> E | None: ...
    @awaited
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """Wait for the earliest matching event; return it, or ``None`` if none arrives by the deadline.

        Without ``if_exp``, ``match`` and ``where``, every event of the name matches.

        The first wait on a name sees events since the run's last ``run``, ``send_event`` or ``invoke`` began, or its
        last sleep ended, whichever is later; without either, since the event that started the run. Waits in between do
        not move it. A further wait on the name starts where the last one left off. So the run does not miss a reply to
        what it just did.

        A wait that can never match as written fails the run with ``ExpressionError``, ``DurationError`` or
        ``EventError``: also if its expression uses a field that the event type lacks. Your code cannot catch these:
        each replay would raise them again.

        Args:
            event: The event's name, or an event type (see ``tarry.event_type``).
            timeout: How long to wait: a ``timedelta``, a string (``"3d"``, ``"1h30m"``), milliseconds, or an aware
                ``datetime`` as the deadline; at most 366 days. Zero or less looks into the log once.
            if_exp: CEL over ``event`` (the event that started the run) and ``async`` (the incoming event), such as
                ``"async.data.userId == event.data.userId"``.
            match: A path such as ``"data.userId"``; the value at it must be equal in both events. Give this or
                ``if_exp``.
            where: Values of the run that the incoming event must have, by their paths: ``{"data.orderId": order_id}``.
                All must be equal, and ``if_exp`` or ``match`` must hold too. Values are JSON, and never become code:
                give them here, or in ``bind``, instead of writing them into ``if_exp``.
            bind: Values of the run by the names that ``if_exp`` has for them: ``bind={"limit": limit}`` for
                ``if_exp="async.data.total > limit"``. Values are JSON.
            lookback: Look back this far, such as ``"10m"``, at most what the log keeps (7 days by default). ``0``
                listens from now on.

        Returns:
            The event, or an instance of the event type, or ``None``.

        Raises:
            EventDataError: The event matches, but its data do not fit the event type. The wait has ended; you may catch
                it.
        """
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback, where, bind)
        return wait.result(await self._engine.perform(wait))

    @awaited
    async def wait_for_first(
        self,
        step_id: str,
        events: Sequence[EventMatch[M]],
        *,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        lookback: Duration | None = None,
    ) -> M | None:
        """Wait for the earliest event that matches one of several; return it, or ``None`` at the deadline.

        This is one step and one wait. When it ends, the other matches end too. The event's ``name`` tells which one it
        is. If its match has an event type, the wait returns an instance. The other arguments and the errors are those
        of ``wait_for_event``.

        Args:
            events: 1 to 10 ``tarry.EventMatch``, of one event name or several.
        """
        wait = WaitForEvent.first(step_id, events, timeout, lookback)
        found: M | None = wait.result(await self._engine.perform(wait))
        return found

    @overload
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        count: int | None = None,
        until: Callable[[list[Event]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> list[Event]: ...
    @overload
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: type[E],
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        count: int | None = None,
        until: Callable[[list[E]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> list[E]: ...
    @awaited
    async def wait_for_events(
        self,
        step_id: str,
        *,
        event: str | type[Any],
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        count: int | None = None,
        until: Callable[[list[Any]], bool] | None = None,
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """Collect matching events in the order of their arrival, until the deadline or until there are enough.

        Without ``count`` and ``until``, it collects all events that arrive by the deadline. It counts no event twice
        and loses none between two. Each event is a step of the run (``step_id``, ``step_id:1``, …) and counts towards
        the run's limit of steps. The other arguments and the errors are those of ``wait_for_event``.

        Args:
            count: Stop after this many events.
            until: Stop once this function of the events so far is true. Tarry calls it after each event, and again at
                each replay. So it must depend on the events alone.
        """
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback, where, bind)
        collect = CollectEvents(wait, count, until)
        return collect.result(await self._engine.perform(collect))
