"""The step tools, ``ctx.step``. Each call is a step, whose result Tarry stores.

A step id names the step within its function. The same id may come again, as in a loop. The second step is stored as
``id:1``, the third as ``id:2``. Keep the ids when you change the code: runs in flight find their stored steps by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from tarry._engine.operations import InvokeFunction, RunStep, SendEvent, Sleep
from tarry._engine.step_call import awaited
from tarry.eventtypes import as_events
from tarry.waittools import WaitTools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from tarry.durations import Duration, Timeout
    from tarry.eventtypes import Sendable
    from tarry.function import Function

__all__ = ["Step"]

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class Step(WaitTools):
    """The step tools of an ``async def`` function."""

    @overload
    async def run(
        self, step_id: str, handler: Callable[..., Any], *args: Any, output_type: type[T], **kwargs: Any
    ) -> T: ...
    @overload
    async def run(
        self, step_id: str, handler: Callable[..., Any], *args: Any, output_type: Any, **kwargs: Any
    ) -> Any: ...
    @overload
    async def run(self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    async def run(self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...
    @awaited
    async def run(self, step_id: str, handler: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``handler(*args, **kwargs)`` once, store its result, and return it.

        The result is stored as JSON, at most 4 MB. It comes back as the type that the handler's annotation names; see
        ``docs/reference/step-run.md``. The keyword ``output_type`` names another type. Without either, it comes back
        as JSON. If the handler raises, Tarry retries it as the function's ``retries`` say.

        Args:
            step_id: The step's id, 1 to 512 bytes.
            handler: A function or an ``async def``. A plain function runs in a thread, so parallel steps do not wait
                for each other. Its arguments follow it.

        Raises:
            StepError: The handler failed for good.
        """
        return await self._engine.perform(RunStep.of(step_id, handler, args, kwargs))

    @awaited
    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Pause the run for ``duration`` (``timedelta``, ``"1h30m"``, milliseconds), at most 366 days."""
        await self._engine.perform(Sleep(step_id, duration))

    @awaited
    async def sleep_until(self, step_id: str, until: datetime) -> None:
        """Pause the run until an aware ``datetime`` at most 366 days away; go on at once if it has passed."""
        await self._engine.perform(Sleep(step_id, until))

    @awaited
    async def send_event(self, step_id: str, events: Sendable | Sequence[Sendable]) -> list[str]:
        """Put events on the app's bus and return their ids, which are the same at each attempt.

        Args:
            events: One or several ``Event`` objects, or instances of event types (see ``tarry.event_type``).
        """
        sent: list[str] = await self._engine.perform(SendEvent(step_id, as_events(events)))
        return sent

    @overload
    async def invoke(
        self,
        step_id: str,
        *,
        function: Function[R],
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: None = None,
    ) -> R: ...
    @overload
    async def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: type[T],
    ) -> T: ...
    @overload
    async def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: Any,
    ) -> Any: ...
    @awaited
    async def invoke(
        self,
        step_id: str,
        *,
        function: Function,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: Any = None,
    ) -> Any:
        """Start a function of this app, whatever its triggers, and return its result (at most 4 MB).

        The function has its own run, with its own steps and retries. Meanwhile this run pauses and costs nothing. The
        starting event is ``tarry/function.invoked``; Tarry adds the caller's address to its ``data``, under the key
        ``_tarry``. The started run goes on after a timeout, and also if this run is cancelled.

        A function that the app does not have fails this run with ``UsageError``, invalid data with ``EventError``. Your
        code cannot catch these: each replay would raise them again.

        Args:
            function: The function, as ``app.create_function`` returned it.
            data: The event's data, a JSON object; the event may have 1 MB.
            user: The event's ``user``, a JSON object.
            timeout: How long to wait, as for ``wait_for_event``; without limit by default.
            output_type: The type of the result, instead of that of the function's return annotation.

        Raises:
            StepError: The function failed for good; ``name``, ``message`` and ``stack`` are those of its error. If it
                was cancelled, ``name`` is ``InvocationCancelledError``; after ``timeout``, ``InvokeTimeoutError``; if
                its flow control started no run, ``InvocationSkippedError``.
        """
        return await self._engine.perform(InvokeFunction.of(step_id, function, data, user, timeout, output_type))

    @overload
    async def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: type[T],
    ) -> T: ...
    @overload
    async def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: Any = None,
    ) -> Any: ...
    @awaited
    async def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        timeout: Timeout | None = None,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        output_type: Any = None,
    ) -> Any:
        """Start a function of this app by its ``fn_id``, which may be defined further down. Else as ``invoke``.

        Args:
            function_id: The function's ``fn_id``.
            app_id: This app's id, or ``None``. To use another app, send it an event and wait for its answer.
            output_type: The type of the result. Without it, the result is JSON.
        """
        return await self._engine.perform(
            InvokeFunction(step_id, app_id, function_id, data, user, timeout, output_type)
        )
