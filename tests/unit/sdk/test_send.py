"""``await app.send(...)`` beside an event loop, and ``app.send_sync(...)`` without one."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from tarry import App, Event, EventError, Middleware, SendError, UsageError


class SlowBus:
    """A bus that takes its time."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.threads: set[str] = set()

    def send(self, events: Sequence[Event]) -> list[str]:
        time.sleep(0.1)
        self.sent += events
        self.threads.add(threading.current_thread().name)
        if any(event.name == "refused" for event in events):
            raise SendError([("e", "no")], 1)
        return [event.id for event in events]


def app_of(*middleware: type[Middleware]) -> tuple[App, SlowBus]:
    app, bus = App("shop", middleware=middleware), SlowBus()
    app.bus = bus  # type: ignore[assignment]
    return app, bus


def test_the_event_loop_goes_on_while_events_are_sent() -> None:
    app, bus = app_of()

    async def main() -> tuple[list[str], int]:
        sending = asyncio.ensure_future(app.send(Event("paid", id="e1")))
        turns = 0
        while not sending.done():
            await asyncio.sleep(0.01)
            turns += 1
        return await sending, turns

    ids, turns = asyncio.run(main())
    assert ids == ["e1"]
    assert turns > 3
    assert threading.current_thread().name not in bus.threads


def test_a_send_that_is_not_awaited_is_sent_all_the_same() -> None:
    app, bus = app_of()

    async def main() -> None:
        _ = app.send(Event("paid", id="e1"))
        await asyncio.sleep(0.3)

    asyncio.run(main())
    assert [event.id for event in bus.sent] == ["e1"]


def test_plain_code_sends_with_send_sync_and_send_works_there_too() -> None:
    app, bus = app_of()
    assert app.send_sync(Event("paid", id="e1")) == ["e1"]
    sent: Any = app.send(Event("paid", id="e2"))
    assert sent == ["e2"]

    async def later() -> list[str]:
        ids: list[str] = await sent
        return ids

    assert asyncio.run(later()) == ["e2"]
    assert len(bus.sent) == 2


def test_an_event_that_is_none_is_an_error_at_the_call() -> None:
    app, bus = app_of()

    async def main() -> None:
        with pytest.raises(EventError):
            app.send([7])  # type: ignore[list-item, unused-awaitable]

    asyncio.run(main())
    assert bus.sent == []


@pytest.mark.parametrize("middleware", [(), (Middleware,)])
def test_a_refused_send_raises_where_it_is_awaited(middleware: tuple[type[Middleware], ...]) -> None:
    app, _ = app_of(*middleware)

    async def main() -> None:
        with pytest.raises(SendError):
            await app.send(Event("refused"))

    asyncio.run(main())


def test_a_hook_may_await_in_send_and_not_in_send_sync() -> None:
    class Stamp(Middleware):
        async def before_send_events(self, events: Sequence[Event]) -> Sequence[Event]:
            await asyncio.sleep(0)
            return [Event(event.name, {"stamp": 1}, event.id) for event in events]

    app, bus = app_of(Stamp)

    async def main() -> list[str]:
        return await app.send(Event("paid", id="e1"))

    assert asyncio.run(main()) == ["e1"]
    assert bus.sent[0].data == {"stamp": 1}
    with pytest.raises(UsageError, match=r"await app\.send"):
        app.send_sync(Event("paid"))
