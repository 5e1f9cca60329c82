"""The type of the decorator that ``app.create_function`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tarry.context import Context, ContextSync
    from tarry.function import Function

__all__ = ["Register"]

R = TypeVar("R")


class Register(Protocol):
    """The decorator that ``app.create_function`` returns."""

    @overload
    def __call__(self, handler: Callable[[Context], Awaitable[R]], /) -> Function[R]: ...
    @overload
    def __call__(self, handler: Callable[[ContextSync], R], /) -> Function[R]: ...
