"""Steps side by side, ``ctx.group``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry.operations import Engine

__all__ = ["Group", "GroupSync"]

T = TypeVar("T")


class Group:
    """Groups of an ``async def`` function. ``asyncio.gather`` and ``asyncio.TaskGroup`` work just as well."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Runs the branches side by side and returns their results in order.

        When one waits, the others run to their own end or wait, and what they finish is kept. If some fail,
        the first failure, in the order of the branches, is raised once all have ended.
        """
        return await self._engine.parallel(_checked(branches))


class GroupSync:
    """Groups of a plain ``def`` function; each branch has a thread of its own, at most 500 at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def parallel(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """As ``Group.parallel``, with plain callables.

        Their steps' bodies run side by side; between steps one branch at a time runs, as on an event loop, so that
        each replay finds them in the same order. So no branch may wait for another but by steps.
        """
        return self._engine.parallel_sync(_checked(branches))


def _checked(branches: Sequence[Callable[[], T]]) -> Sequence[Callable[[], T]]:
    for branch in branches:
        if not callable(branch):
            raise UsageError(
                f"group.parallel takes functions without arguments, such as lambda: ctx.step.run(...), not {branch!r}"
            )
    return branches
