"""How ``app.send`` sends: in a thread beside an event loop, or here and now."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tarry._engine.chain import Chain
    from tarry.event import Event

    Put = Callable[[Sequence[Event]], list[str]]

__all__ = ["send", "send_sync"]

_UNDER_WAY: set[asyncio.Task[list[str]]] = set()
"""Sends that have not ended, so that none is collected: asyncio itself holds tasks weakly."""


class _Ids(list[str]):
    """The ids of events that were sent; code may await them all the same."""

    def __await__(self) -> Generator[Any, Any, list[str]]:
        yield from ()
        return self


def send(chain: Chain, events: Sequence[Event], put: Put) -> Awaitable[list[str]]:
    """Begin to send; return the task that does it, or the ids themselves where no event loop runs."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _Ids(send_sync(chain, events, put))
    task = loop.create_task(_sent(chain, events, lambda given: _in_thread(loop, put, given)))
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return task


def send_sync(chain: Chain, events: Sequence[Event], put: Put) -> list[str]:
    """Send, and return the ids."""
    return chain.begin().send_now(events, put) if chain else put(events)


def _in_thread(loop: asyncio.AbstractEventLoop, put: Put, events: Sequence[Event]) -> asyncio.Future[list[str]]:
    variables = copy_context()
    return loop.run_in_executor(None, lambda: variables.run(put, events))


async def _sent(
    chain: Chain, events: Sequence[Event], put: Callable[[Sequence[Event]], Awaitable[list[str]]]
) -> list[str]:
    return await (chain.begin().send(events, put) if chain else put(events))
