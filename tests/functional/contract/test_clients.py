"""A client that lives in the app's module: a warm Lambda has it at each invocation."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry_dev.cloud import Call, Host
from tests.functional.contract.diary import Diary
from tests.unit.replay.till import Bank, HttpxClient, Pool, bank

START = TriggerEvent(event="order/placed")
ORDERS = 10

Add = Callable[[App, Pool | HttpxClient], None]


@pytest.fixture
def till() -> Iterator[Bank]:
    with bank() as opened:
        yield opened


def add_order(app: App, client: Pool | HttpxClient) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> str:
        number = ctx.event.data["order"]
        await ctx.step.run("charge", client.post, f"/charge/{number}")
        await ctx.step.wait_for_event("packed", event="order/packed", timeout="1d", match="data.order")
        return await ctx.step.run("deliver", client.post, f"/deliver/{number}")


def add_order_sync(app: App, client: Pool | HttpxClient) -> None:
    @app.create_function(fn_id="order", trigger=START)
    def order(ctx: ContextSync) -> str:
        number = ctx.event.data["order"]
        ctx.step.run("charge", client.post, f"/charge/{number}")
        ctx.step.wait_for_event("packed", event="order/packed", timeout="1d", match="data.order")
        return ctx.step.run("deliver", client.post, f"/deliver/{number}")


@pytest.mark.parametrize("add", [add_order, add_order_sync], ids=["async", "def"])
@pytest.mark.parametrize("kind", [Pool, HttpxClient])
def test_a_client_of_the_module_sends_each_request_once_over_all_invocations(
    app: App, host: Host, till: Bank, add: Add, kind: type[Pool | HttpxClient]
) -> None:
    client = kind(till.port)
    add(app, client)

    @app.create_function(fn_id="close", trigger=TriggerEvent(event="shop/closed"))
    async def close(ctx: Context) -> None:
        await ctx.step.run("close", client.close)

    host.send([Event("order/placed", {"order": number}) for number in range(ORDERS)])
    assert till.seen == Counter(f"/charge/{number}" for number in range(ORDERS))
    host.send([Event("order/packed", {"order": number}) for number in range(ORDERS)])
    assert [run.output for run in host.runs("order")] == ["paid"] * ORDERS
    assert till.seen == Counter(f"/{what}/{number}" for what in ("charge", "deliver") for number in range(ORDERS))
    host.send("shop/closed")
    assert host.runs("close")[0].status == "finished"


def test_r02_a_lambda_that_dies_at_a_call_to_aws_of_an_async_body_dies_and_the_body_runs_again(
    app: App, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> str:
        async def announce() -> str:
            await diary.write("announce")
            await app.send(Event("order/announced"))
            return await diary.write("announced")

        return await ctx.step.run("announce", announce)

    def dies(call: Call) -> bool:
        return call.operation == "PutEvents"

    with host.cloud.dies(dies, function="executor"):
        host.send("order/placed")
    assert diary.entries == ["announce"]
    assert host.run().status == "running"
    host.advance("16m")
    assert host.run().output == "announced"
    assert diary.entries == ["announce", "announce", "announced"]
