"""The handler of a function: what it may be, and what is refused when the function is created."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tarry import App, Context, TriggerEvent, UsageError

PAID = TriggerEvent("paid")


class Shop:
    async def __call__(self, ctx: Context) -> str:
        return "called"

    async def ship(self, ctx: Context) -> str:
        return "shipped"


async def ship(ctx: Context) -> str:
    return "shipped"


def traced(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that knows nothing of ``async``."""

    @functools.wraps(handler)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **kwargs)

    return wrapper


def async_traced(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that makes an ``async def`` of a ``def``."""

    @functools.wraps(handler)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **kwargs)

    return wrapper


def create(handler: Any, **options: Any) -> Any:
    return App("shop").create_function(fn_id="ship", trigger=PAID, **options)(handler)


@pytest.mark.parametrize(
    "handler", [ship, Shop(), Shop().ship, traced(ship), async_traced(len), traced(Shop())], ids=range(6)
)
def test_what_gives_a_coroutine_is_an_async_handler(handler: Any) -> None:
    assert create(handler).is_async


async def stream(ctx: Context) -> AsyncIterator[int]:
    yield 1


def batches(ctx: Context) -> Iterator[int]:
    yield 1


class Streams:
    async def __call__(self, ctx: Context) -> AsyncIterator[int]:
        yield 1


@pytest.mark.parametrize(
    "handler", [stream, batches, Streams(), functools.partial(stream)], ids=["stream", "batches", "object", "partial"]
)
def test_a_handler_with_a_yield_is_refused_when_it_is_created(handler: Any) -> None:
    with pytest.raises(UsageError, match="function 'ship': the handler has a `yield`, so it would never run"):
        create(handler)


async def no_argument() -> None: ...


async def by_name(*, ctx: Context) -> None: ...


@pytest.mark.parametrize("handler", [no_argument, by_name], ids=["none", "by name"])
def test_a_handler_that_does_not_take_one_argument_is_refused_when_it_is_created(handler: Any) -> None:
    with pytest.raises(
        UsageError, match=r"function 'ship': the handler takes (nothing|ctx), not one argument; write a handler"
    ):
        create(handler)


def test_the_error_tells_a_handler_with_two_arguments_where_the_step_tools_are() -> None:
    async def of_an_older_sdk(ctx: Context, step: Any) -> None: ...

    with pytest.raises(UsageError, match=r"takes ctx and step, not one argument; .*; the step tools are `ctx.step`"):
        create(of_an_older_sdk)


@pytest.mark.parametrize("handler", [None, "ship", Shop, ship(None)], ids=["None", "str", "class", "coroutine"])  # type: ignore[arg-type]
def test_what_is_no_function_is_refused_when_it_is_created(handler: Any) -> None:
    with pytest.raises(UsageError, match=r"function 'ship': the handler is .*, not a function; write a handler"):
        create(handler)
    if hasattr(handler, "close"):
        handler.close()


@pytest.mark.parametrize("handler", [stream, no_argument, Shop], ids=["stream", "none", "class"])
def test_an_on_failure_that_would_never_run_is_refused_when_it_is_created(handler: Any) -> None:
    with pytest.raises(UsageError, match="function 'ship': on_failure "):
        create(ship, on_failure=handler)


def test_a_handler_may_have_further_arguments_with_defaults() -> None:
    async def greet(ctx: Context, greeting: str = "hello") -> str:
        return greeting

    assert create(greet).is_async
