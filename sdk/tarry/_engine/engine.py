"""The interface between the step tools and the engine, which the backend implements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.hand_over import ContinueAsNew
    from tarry._engine.operations import CollectEvents, Operation, Patch
    from tarry._engine.step_call import CallWatch

__all__ = ["Engine"]


class Engine(Protocol):
    """Performs operations."""

    @property
    def calls(self) -> CallWatch:
        """The watch over the calls of asynchronous tools."""

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        """Return the operation's result, now or in a later invocation."""

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        """As ``perform``, for a plain ``def`` function."""

    async def patched(self, patch: Patch) -> bool:
        """Return whether the run takes the new code of the patch."""

    def patched_sync(self, patch: Patch) -> bool:
        """As ``patched``, for a plain ``def`` function."""

    async def continue_as_new(self, request: ContinueAsNew) -> Never:
        """End the run, and let a successor go on."""

    def continue_as_new_sync(self, request: ContinueAsNew) -> Never:
        """As ``continue_as_new``, for a plain ``def`` function."""

    def parallel_sync(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """Call the branches in parallel."""

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Await the branches in parallel."""

    def race_sync(self, branches: Sequence[Callable[[], Any]]) -> Any:
        """Call the branches in parallel until the first one ends."""

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        """Await the branches in parallel until the first one ends."""

    @property
    def attempt(self) -> int:
        """The attempt, from 0, of the step whose body asks, else of the function."""

    @property
    def is_in_step(self) -> bool:
        """Whether the calling code is a step's body."""

    @property
    def is_repeating(self) -> bool:
        """Whether the calling code, outside of steps, repeats what the run has done before."""

    @property
    def idempotency_key(self) -> str:
        """The key of the step whose body asks."""
