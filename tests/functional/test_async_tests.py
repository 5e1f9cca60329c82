"""Tests that are ``async def``, as those of a web service are: their loop runs while the host works."""

import asyncio
from contextvars import ContextVar

import pytest

from tarry import App, Context, ContextSync, Event, NonRetriableError, TriggerEvent
from tarry_dev.cloud import Chaos
from tarry_dev.pytest_plugin import MakeHost

app = App("shop")

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


@app.create_function(fn_id="order", trigger=TriggerEvent(event="order/placed"))
async def order(ctx: Context) -> list[object]:
    async def price() -> int:
        await asyncio.sleep(0.001)
        return 7

    cost = await ctx.step.run("price", price)
    paid = await ctx.step.wait_for_event("paid", event="order/paid", timeout="1d")
    return [cost, None if paid is None else paid.data["by"], tenant.get()]


@app.create_function(fn_id="plain", trigger=TriggerEvent(event="plain/begun"))
def plain(ctx: ContextSync) -> int:
    return ctx.step.run("one", lambda: 1)


@app.create_function(fn_id="broken", trigger=TriggerEvent(event="broken/begun"))
def broken(ctx: ContextSync) -> None:
    raise NonRetriableError("no such order")


def test_an_async_test_sends_events_moves_the_clock_and_reads_results(tarry_host: MakeHost) -> None:
    host = tarry_host(app)

    async def test() -> None:
        tenant.set("ada")
        host.send("order/placed")
        host.advance("1h")
        await asyncio.sleep(0)
        host.send("order/paid", {"by": "card"})
        assert host.result() == [7, "card", "ada"]
        host.send("plain/begun")
        assert host.run("plain").output == 1
        host.send("broken/begun")
        assert host.run("broken").status == "failed"

    asyncio.run(test())
    assert not host.dead_letters


def test_an_async_test_awaits_app_send_and_lets_time_pass(tarry_host: MakeHost) -> None:
    host = tarry_host(app)

    async def test() -> None:
        await app.send(Event("order/placed"))
        host.advance("1d")
        assert host.result() == [7, None, "nobody"]

    asyncio.run(test())


def test_an_async_test_retries_and_cancels_runs(tarry_host: MakeHost) -> None:
    host = tarry_host(app)

    async def test() -> None:
        host.send("broken/begun")
        host.retry(host.run("broken"))
        assert host.run("broken").status == "failed"
        host.send("order/placed")
        host.cancel(host.run("order"))
        assert host.run("order").status == "cancelled"

    asyncio.run(test())


@pytest.mark.parametrize("at_once", [1, 3])
def test_an_async_test_may_have_a_chaos(tarry_host: MakeHost, at_once: int) -> None:
    host = tarry_host(app)
    host.cloud.chaos = Chaos(seed=1, at_once=at_once)

    async def test() -> None:
        host.send("plain/begun")
        assert host.run("plain").output == 1

    asyncio.run(test())
