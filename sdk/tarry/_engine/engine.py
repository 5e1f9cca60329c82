"""What the step tools need of the machinery behind them, which is the backend's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.operations import CollectEvents, Operation

__all__ = ["Engine"]


class Engine(Protocol):
    """What carries operations out."""

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
