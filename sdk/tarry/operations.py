"""What a function asks of the engine that runs it: each call of a step tool, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tarry.durations import Duration, Timeout
    from tarry.event import Event

__all__ = ["Engine", "Operation", "RunStep", "SendEvent", "Sleep", "WaitForEvent"]


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
    """Go on with the first event that matches, or with ``None`` at the deadline."""

    kind: ClassVar[str] = "wait"
    id: str
    event: str
    timeout: Timeout
    if_exp: str | None
    match: str | None
    lookback: Duration | None


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Put events on the app's bus."""

    kind: ClassVar[str] = "send"
    id: str
    events: Sequence[Event]


Operation = RunStep | Sleep | WaitForEvent | SendEvent


class Engine(Protocol):
    """What carries operations out. The machinery is the backend's; here is only what the step tools need."""

    async def perform(self, operation: Operation) -> Any:
        """The operation's result, now or in a later invocation."""

    def perform_sync(self, operation: Operation) -> Any:
        """The same, for a function that is no coroutine."""

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """Calls the branches side by side."""

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Awaits the branches side by side."""

    @property
    def attempt(self) -> int:
        """The attempt of the step whose body asks, else of the function; from 0."""

    @property
    def is_repeating(self) -> bool:
        """Whether the code that asks does again, outside of steps, what the run has done before."""

    @property
    def idempotency_key(self) -> str:
        """The key of the step whose body asks."""
