"""What a function asks of the engine that runs it: each call of a step tool, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tarry.durations import Duration, Timeout
    from tarry.event import Event
    from tarry.matches import EventMatch

__all__ = [
    "CollectEvents",
    "Engine",
    "InvokeFunction",
    "Operation",
    "RunStep",
    "SendEvent",
    "Sleep",
    "WaitForEvent",
    "WaitForSignal",
]


@dataclass(frozen=True, slots=True)
class RunStep:
    """Call ``handler(*args, **kwargs)`` once and keep what it returns."""

    kind: ClassVar[str] = "run"
    id: str
    handler: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Go on after, or at, a moment."""

    kind: ClassVar[str] = "sleep"
    id: str
    until: Timeout


@dataclass(frozen=True, slots=True)
class WaitForEvent:
    """Go on with the first event that one of ``matches`` is for, or with ``None`` at the deadline."""

    kind: ClassVar[str] = "wait"
    id: str
    matches: tuple[EventMatch, ...]
    timeout: Timeout
    lookback: Duration | None


@dataclass(frozen=True, slots=True)
class CollectEvents:
    """Wait again and again, up to the deadline of the first wait, and go on with all that came.

    It is complete with ``count`` events, or once ``until`` holds for those that have come. Each wait is a step.
    """

    id: str
    wait: WaitForEvent
    count: int | None
    until: Callable[[list[Event]], bool] | None

    def is_complete(self, events: list[Event]) -> bool:
        """Whether no more is waited for."""
        if self.count is not None and len(events) >= self.count:
            return True
        return self.until is not None and bool(events) and self.until(events)


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Put events on the app's bus."""

    kind: ClassVar[str] = "send"
    id: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class InvokeFunction:
    """Start a function, and go on with what it returns. ``app_id`` is the function's app; None is the run's own."""

    kind: ClassVar[str] = "invoke"
    id: str
    app_id: str | None
    function_id: str
    data: Mapping[str, Any]
    user: Mapping[str, Any] | None
    timeout: Timeout | None


@dataclass(frozen=True, slots=True)
class WaitForSignal:
    """Go on with the data of the signal that is sent under this name, or with ``None`` at the deadline."""

    kind: ClassVar[str] = "signal"
    id: str
    signal: str
    timeout: Timeout


Operation = RunStep | Sleep | WaitForEvent | SendEvent | InvokeFunction | WaitForSignal
"""What is kept as one step."""


class Engine(Protocol):
    """What carries operations out. The machinery is the backend's; here is only what the step tools need."""

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        """The operation's result, now or in a later invocation."""

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        """The same, for a function that is no coroutine."""

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """Calls the branches side by side."""

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Awaits the branches side by side."""

    def race_sync(self, branches: Sequence[Callable[[], Any]]) -> Any:
        """Calls the branches side by side until the first of them ends."""

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        """Awaits the branches side by side until the first of them ends."""

    @property
    def attempt(self) -> int:
        """The attempt of the step whose body asks, else of the function; from 0."""

    @property
    def is_repeating(self) -> bool:
        """Whether the code that asks does again, outside of steps, what the run has done before."""

    @property
    def idempotency_key(self) -> str:
        """The key of the step whose body asks."""
