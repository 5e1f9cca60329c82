"""Steps side by side, ``ctx.group``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.engine import Engine

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
        return await self._engine.parallel(_checked(branches, "parallel"))

    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        """Runs the branches side by side until the first of them ends: returns its result, or raises its error.

        The others are stopped where they are: waits, sleeps and retries that they have open are withdrawn at once, a
        body that is an ``async def`` is cancelled, a plain one runs to its end for nothing, and no step follows. Each
        replay has the same winner.
        """
        return await self._engine.race(_contestants(branches))


class GroupSync:
    """Groups of a plain ``def`` function; each branch has a thread of its own, at most 500 at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def parallel(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """As ``Group.parallel``, with plain callables.

        Their steps' bodies run side by side; between steps one branch at a time runs, as on an event loop, so that
        each replay finds them in the same order. So no branch may wait for another but by steps.
        """
        return self._engine.parallel_sync(_checked(branches, "parallel"))

    def race(self, branches: Sequence[Callable[[], Any]]) -> Any:
        """As ``Group.race``, with plain callables. Where a branch that has lost is in a step, ``Suspended`` is raised,
        which passes by ``except Exception``."""
        return self._engine.race_sync(_contestants(branches))


def _checked(branches: Sequence[Callable[[], T]], what: str) -> Sequence[Callable[[], T]]:
    for branch in branches:
        if not callable(branch):
            raise UsageError(
                f"group.{what} takes functions without arguments, such as lambda: ctx.step.run(...), not {branch!r}"
            )
    return branches


def _contestants(branches: Sequence[Callable[[], T]]) -> Sequence[Callable[[], T]]:
    if not branches:
        raise UsageError("group.race has no branches: nothing would ever end it")
    return _checked(branches, "race")
