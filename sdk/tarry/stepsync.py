"""The step tools of a plain ``def``, ``ctx.step``: see ``tarry.step``."""

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
from tarry.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from tarry.durations import Duration, Timeout
    from tarry.event import Event, Typed
    from tarry.eventtypes import Sendable
    from tarry.function import Function
    from tarry.matches import EventMatch

__all__ = ["StepSync"]

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound="Typed")
M = TypeVar("M")
R = TypeVar("R")


class StepSync(Tools):
    """The step tools of a plain ``def`` function: those of ``Step``, not awaited."""

    @overload
    def run(self, step_id: str, handler: Callable[..., Any], *args: Any, output_type: type[T], **kwargs: Any) -> T: ...
    @overload
    def run(self, step_id: str, handler: Callable[..., Any], *args: Any, output_type: Any, **kwargs: Any) -> Any: ...
    @overload
    def run(self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    def run(self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    def run(self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``handler(*args, **kwargs)`` once, store its result, and return it. As ``Step.run``."""
        return self._engine.perform_sync(RunStep.of(step_id, handler, args, kwargs))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Pause the run for a duration. As ``Step.sleep``."""
        self._engine.perform_sync(Sleep(step_id, duration))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """Pause the run until a moment; go on at once if it has passed. As ``Step.sleep_until``."""
        self._engine.perform_sync(Sleep(step_id, until))

    @overload
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str,
        timeout: Timeout,
        if_exp: str | None = None,
        match: str | None = None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
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
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
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
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """Wait for the earliest matching event, or ``None`` at the deadline. As ``Step.wait_for_event``.

        The first wait on a name sees events since the run's last ``run``, ``send_event`` or ``invoke`` began, or its
        last sleep ended, whichever is later; without either, since the event that started the run. Waits in between do
        not move it. A further wait on the name starts where the last one left off.
        """
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback, where, bind)
        return wait.result(self._engine.perform_sync(wait))

    @overload
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        type: None = None,
    ) -> Any: ...
    @overload
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        type: type[T],
    ) -> T | None: ...
    @overload
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        type: Any,
    ) -> Any: ...
    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        type: Any = None,  # noqa: A002 - as in Step
    ) -> Any:
        """Wait for a signal; return its data, or ``None`` at the deadline. As ``Step.wait_for_signal``."""
        wait = WaitForSignal(step_id, signal, timeout, type)
        return wait.result(self._engine.perform_sync(wait))

    def wait_for_first(
        self,
        step_id: str,
        events: Sequence[EventMatch[M]],
        *,
        timeout: Timeout,
        lookback: Duration | None = None,
    ) -> M | None:
        """Wait for the earliest event that matches one of several. As ``Step.wait_for_first``."""
        wait = WaitForEvent.first(step_id, events, timeout, lookback)
        found: M | None = wait.result(self._engine.perform_sync(wait))
        return found

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
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
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
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
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
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
        lookback: Duration | None = None,
    ) -> Any:
        """Collect matching events in the order of their arrival. As ``Step.wait_for_events``."""
        wait = WaitForEvent.one(step_id, event, if_exp, match, timeout, lookback, where, bind)
        collect = CollectEvents(wait, count, until)
        return collect.result(self._engine.perform_sync(collect))

    def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """Put events on the app's bus and return their ids. As ``Step.send_event``."""
        sent: list[str] = self._engine.perform_sync(SendEvent(step_id, as_events(events)))
        return sent

    @overload
    def invoke(
        self,
        step_id: str,
        *,
        function: Function[R],
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: None = None,
    ) -> R: ...
    @overload
    def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: type[T],
    ) -> T: ...
    @overload
    def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: Any,
    ) -> Any: ...
    def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: Any = None,
    ) -> Any:
        """Start a function of this app and return its result. As ``Step.invoke``."""
        return self._engine.perform_sync(InvokeFunction.of(step_id, function, data, user, timeout, output_type))

    @overload
    def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: type[T],
    ) -> T: ...
    @overload
    def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: Any = None,
    ) -> Any: ...
    def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,
        output_type: Any = None,
    ) -> Any:
        """Start a function of this app by its ``fn_id``. As ``Step.invoke_by_id``."""
        return self._engine.perform_sync(InvokeFunction(step_id, app_id, function_id, data, user, timeout, output_type))
