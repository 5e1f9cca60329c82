"""How ``app.send`` sends: in a thread beside an event loop, or here and now."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from tarry._engine.current_run import current
from tarry._engine.place import Place, place_of_call
from tarry._wire.bus import check_names
from tarry._wire.steady_logger import steady_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.chain import Chain
    from tarry.event import Event

    Put = Callable[[Sequence[Event]], list[str]]

__all__ = ["send", "send_sync"]

logger = steady_logger("tarry")

_UNDER_WAY: set[asyncio.Task[list[str]]] = set()
"""Sends that have not ended, so that none is collected: asyncio itself holds tasks weakly."""


_WARNED: set[Place] = set()
"""The lines that have had their warning."""


class _Ids(list[str]):
    """The ids of events that were sent; code may await them all the same."""

    def __await__(self) -> Generator[Any, Any, list[str]]:
        yield from ()
        return self


def send(chain: Chain, events: Sequence[Event], put: Put) -> Awaitable[list[str]]:
    """Begin to send; return the task that does it, or the ids themselves where no event loop runs.

    A name that the bus never accepts is an error of the call itself, awaited or not. With middleware, which may give
    an event another name, it is one of the task.
    """
    if not chain:
        check_names(events)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _Ids(send_sync(chain, events, put))
    _warn_outside_steps()
    what = f"app.send{place_of_call()}"  # asyncio shows it if the send fails and your code does not await it
    task = loop.create_task(_sent(chain, events, lambda given: _in_thread(loop, put, given)), name=what)
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return task


def send_sync(chain: Chain, events: Sequence[Event], put: Put) -> list[str]:
    """Send, and return the ids."""
    _warn_outside_steps()
    return chain.begin().send_now(events, put) if chain else put(events)


def _warn_outside_steps() -> None:
    """Warn, once for each line, of a send that each replay of a function repeats."""
    here = current()
    place = place_of_call()
    if here is None or here.is_in_step or place in _WARNED:
        return
    _WARNED.add(place)
    logger.warning(
        "app.send was called in a function, outside of its steps%s: each replay of the run sends the events again. "
        "Use ctx.step.send_event, which sends them once",
        place,
    )


def _in_thread(loop: asyncio.AbstractEventLoop, put: Put, events: Sequence[Event]) -> asyncio.Future[list[str]]:
    variables = copy_context()
    return loop.run_in_executor(None, lambda: variables.run(put, events))


async def _sent(
    chain: Chain, events: Sequence[Event], put: Callable[[Sequence[Event]], Awaitable[list[str]]]
) -> list[str]:
    return await (chain.begin().send(events, put) if chain else put(events))
