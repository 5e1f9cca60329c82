"""The check of a function's handler: what can be known when the function is created."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from tarry._engine.place import place_of_code
from tarry.errors import UsageError

__all__ = ["checked_handler", "is_async_handler"]

_SHAPE = "write a handler that takes ctx: `async def f(ctx: tarry.Context)`, or `def f(ctx: tarry.ContextSync)`"


def checked_handler(fn_id: str, handler: Any, what: str = "the handler") -> Any:
    """Return a function's handler.

    Raises:
        UsageError: It cannot be called with one argument, is a class, or has a ``yield``.
    """
    if isinstance(handler, type) or not callable(handler):
        raise UsageError(f"function {fn_id!r}: {what} is {handler!r}, not a function; {_SHAPE}")
    own = _called(handler)
    if inspect.isgeneratorfunction(own) or inspect.isasyncgenfunction(own):
        raise UsageError(
            f"function {fn_id!r}: {what} has a `yield`, so it would never run; use `return`{place_of_code(own)}"
        )
    try:
        signature = inspect.signature(handler, follow_wrapped=False)  # a decorator may give it more
    except (TypeError, ValueError):  # a built-in function tells no signature
        return handler
    try:
        signature.bind(None)
    except TypeError:
        taken = " and ".join(signature.parameters) or "nothing"
        hint = "; the step tools are `ctx.step`" if "step" in signature.parameters else ""
        raise UsageError(
            f"function {fn_id!r}: {what} takes {taken}, not one argument; {_SHAPE}{hint}{place_of_code(handler)}"
        ) from None
    return handler


def is_async_handler(handler: Any) -> bool:
    """Whether calling the handler gives a coroutine, also behind a plain decorator that uses ``functools.wraps``."""
    return inspect.iscoroutinefunction(_called(handler)) or inspect.iscoroutinefunction(
        _called(inspect.unwrap(handler))
    )


def _called(handler: Any) -> Any:
    """The function that runs: of an object with ``__call__``, that method. ``inspect`` looks into a partial itself."""
    return handler if inspect.isroutine(handler) or isinstance(handler, partial) else type(handler).__call__
