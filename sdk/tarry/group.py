"""Parallel branches and races, ``ctx.group``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from tarry._engine.step_call import awaited
from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.engine import Engine

__all__ = ["Group", "GroupSync"]

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Group:
    """Groups of an ``async def`` function. ``asyncio.gather`` and ``asyncio.TaskGroup`` work as well."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @overload
    async def parallel(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
        ],
    ) -> tuple[A, B]: ...
    @overload
    async def parallel(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
        ],
    ) -> tuple[A, B, C]: ...
    @overload
    async def parallel(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
        ],
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def parallel(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
            Callable[[], Awaitable[E]],
        ],
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    async def parallel(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> tuple[T, ...]: ...
    @awaited
    async def parallel(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[Any, ...]:
        """Run the branches in parallel and return their results in order.

        While one branch waits, the others run until they end or wait too. Tarry stores the steps that they finish. If
        some branches fail, the first failure, in the order of the branches, is raised once all have ended.

        Args:
            branches: Functions without arguments, such as ``lambda: ctx.step.run("pack", pack)``. If their results have
                different types, give a tuple of up to five, so that a type checker knows each of them.

        Raises:
            UsageError: A branch is not callable.
        """
        return await self._engine.parallel(_checked(branches, "parallel"))

    @overload
    async def race(self, branches: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]]]) -> A | B: ...
    @overload
    async def race(
        self, branches: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]], Callable[[], Awaitable[C]]]
    ) -> A | B | C: ...
    @overload
    async def race(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
        ],
    ) -> A | B | C | D: ...
    @overload
    async def race(
        self,
        branches: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
            Callable[[], Awaitable[E]],
        ],
    ) -> A | B | C | D | E: ...
    @overload
    async def race(self, branches: Sequence[Callable[[], Awaitable[T]]]) -> T: ...
    @overload
    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any: ...
    @awaited
    async def race(self, branches: Sequence[Callable[[], Awaitable[Any]]]) -> Any:
        """Run the branches in parallel until the first one ends; return its result, or raise its error.

        Tarry stops the other branches where they are. It withdraws their open waits, sleeps and retries at once. It
        cancels an ``async def`` step body; a plain one runs to its end, and its result is dropped. No further step of a
        losing branch begins. Each replay has the same winner.

        Args:
            branches: Functions without arguments, at least one. If their results have different types, give a tuple of
                up to five, so that a type checker knows the type of the winner's.

        Raises:
            UsageError: There is no branch, or a branch is not callable.
        """
        return await self._engine.race(_contestants(branches))


class GroupSync:
    """Groups of a plain ``def`` function. Each branch has its own thread, at most 500 at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @overload
    def parallel(
        self,
        branches: tuple[
            Callable[[], A],
            Callable[[], B],
        ],
    ) -> tuple[A, B]: ...
    @overload
    def parallel(
        self,
        branches: tuple[
            Callable[[], A],
            Callable[[], B],
            Callable[[], C],
        ],
    ) -> tuple[A, B, C]: ...
    @overload
    def parallel(
        self,
        branches: tuple[
            Callable[[], A],
            Callable[[], B],
            Callable[[], C],
            Callable[[], D],
        ],
    ) -> tuple[A, B, C, D]: ...
    @overload
    def parallel(
        self,
        branches: tuple[
            Callable[[], A],
            Callable[[], B],
            Callable[[], C],
            Callable[[], D],
            Callable[[], E],
        ],
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    def parallel(self, branches: Sequence[Callable[[], T]]) -> tuple[T, ...]: ...
    def parallel(self, branches: Sequence[Callable[[], Any]]) -> tuple[Any, ...]:
        """Run the branches in parallel and return their results in order.

        As ``Group.parallel``, with plain callables. Step bodies run in parallel; between steps one branch at a time
        runs, so that each replay has the same order. A branch must not wait for another one except through steps.

        Args:
            branches: Functions without arguments, such as ``lambda: ctx.step.run("pack", pack)``. If their results have
                different types, give a tuple of up to five, so that a type checker knows each of them.

        Raises:
            UsageError: A branch is not callable.
            LimitError: The function would have more than 500 branches at a time.
        """
        return self._engine.parallel_sync(_checked(branches, "parallel"))

    @overload
    def race(self, branches: tuple[Callable[[], A], Callable[[], B]]) -> A | B: ...
    @overload
    def race(self, branches: tuple[Callable[[], A], Callable[[], B], Callable[[], C]]) -> A | B | C: ...
    @overload
    def race(
        self, branches: tuple[Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D]]
    ) -> A | B | C | D: ...
    @overload
    def race(
        self, branches: tuple[Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D], Callable[[], E]]
    ) -> A | B | C | D | E: ...
    @overload
    def race(self, branches: Sequence[Callable[[], T]]) -> T: ...
    @overload
    def race(self, branches: Sequence[Callable[[], Any]]) -> Any: ...
    def race(self, branches: Sequence[Callable[[], Any]]) -> Any:
        """Run the branches in parallel until the first one ends; return its result, or raise its error.

        As ``Group.race``, with plain callables. In a losing branch, the current or next step call raises ``Suspended``,
        which ``except Exception`` does not catch.

        Args:
            branches: Functions without arguments, at least one. If their results have different types, give a tuple of
                up to five, so that a type checker knows the type of the winner's.

        Raises:
            UsageError: There is no branch, or a branch is not callable.
            LimitError: The function would have more than 500 branches at a time.
        """
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
        raise UsageError("group.race has no branches: give at least one")
    return _checked(branches, "race")
