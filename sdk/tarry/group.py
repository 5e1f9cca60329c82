"""Steps side by side, ``ctx.group``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry.operations import Engine

__all__ = ["Group", "GroupSync"]


class Group:
    """Groups of an ``async def`` function. ``asyncio.gather`` and ``asyncio.TaskGroup`` work just as well."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Runs the branches side by side and returns their results in order.

        When one waits, the others run to their own end or wait, and what they finish is kept. If some fail,
        the first failure, in the order of the branches, is raised once all have ended.
        """
        return await self._engine.parallel(branches)


class GroupSync:
    """Groups of a plain ``def`` function; each branch has a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def parallel(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """As ``Group.parallel``, with plain callables."""
        return self._engine.parallel_sync(branches)
