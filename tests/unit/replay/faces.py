"""Both faces of a function from one text: the ``async def`` as it is written, and the same as a plain ``def``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tarry import Context, ContextSync

if TYPE_CHECKING:
    from tarry.context import Handler

T = TypeVar("T")

Text = Callable[[Context], Coroutine[Any, Any, Any]]
Face = Callable[[Text], "Handler"]


def as_async(handler: Text) -> Handler:
    """The function with a ``Context``."""
    return handler


def as_def(handler: Text) -> Handler:
    """The function with a ``ContextSync``. Nothing that it awaits may yield to an event loop: it has none."""

    def plain(ctx: ContextSync) -> Any:
        return _now(handler(cast(Context, _Awaited(ctx))))

    return plain


class _Awaited:
    """A ``ContextSync`` whose tools can be awaited, which they answer at once."""

    def __init__(self, ctx: ContextSync) -> None:
        self._ctx = ctx
        self.step = _Tools(ctx.step)
        self.group = _Groups(ctx)

    async def patched(self, patch_id: str) -> bool:
        return self._ctx.patched(patch_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


class _Tools:
    def __init__(self, tools: object) -> None:
        self._tools = tools

    def __getattr__(self, name: str) -> Any:
        tool = getattr(self._tools, name)
        if not callable(tool):
            return tool
        if name == "with_options":  # it gives other tools, and is not awaited
            return lambda **options: _Tools(tool(**options))

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return tool(*args, **kwargs)

        return awaited


class _Groups:
    def __init__(self, ctx: ContextSync) -> None:
        self._ctx = ctx

    async def parallel(self, branches: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> tuple[T, ...]:
        return self._ctx.group.parallel([partial(_call, branch) for branch in branches])

    async def race(self, branches: Sequence[Callable[[], Coroutine[Any, Any, Any]]]) -> Any:
        return self._ctx.group.race([partial(_call, branch) for branch in branches])


def _call(branch: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return _now(branch())


def _now(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("a def has no event loop to yield to")
