"""A place without a running event loop: asyncio runs one loop in a thread, and a replay needs one of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["outside_a_loop"]

T = TypeVar("T")


def outside_a_loop(work: Callable[[], T]) -> T:
    """Do the work, and return its result. If this thread runs a loop, such as that of an ``async def`` test, another
    thread does the work.

    loop of the test    host.send ─┐┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┌─ returns       stands still, as in any call that blocks
    thread                         └─ handler: replay ──┘
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1, thread_name_prefix="tarry-delivery") as thread:
        return thread.submit(copy_context().run, work).result()
