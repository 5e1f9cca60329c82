"""Typed events across all the handlers: sent as instances, kept as JSON, given as instances."""

from dataclasses import dataclass
from typing import assert_type

import pydantic
import pytest

from tarry import App, Context, ContextSync, Event, EventMatch, TriggerEvent, event_type
from tarry_dev.cloud import Host


@event_type("order/placed")
@dataclass(frozen=True)
class Placed:
    order: int
    items: list[str]


@event_type("order/paid")
class Paid(pydantic.BaseModel):
    order: int
    total: float


@event_type("order/shipped")
@dataclass(frozen=True)
class Shipped:
    order: int
    total: float


@pytest.fixture(params=["async", "def"])
def shop(request: pytest.FixtureRequest, app: App) -> App:
    trigger = TriggerEvent(event=Placed)

    async def order(ctx: Context[Placed]) -> str:
        paid = await ctx.step.wait_for_event("paid", event=Paid, match="data.order", timeout="1h")
        if paid is None:
            return "unpaid"
        await ctx.step.send_event("tell", Shipped(ctx.data.order, paid.total))
        return ", ".join(ctx.data.items)

    def order_sync(ctx: ContextSync[Placed]) -> str:
        paid = ctx.step.wait_for_event("paid", event=Paid, match="data.order", timeout="1h")
        if paid is None:
            return "unpaid"
        ctx.step.send_event("tell", Shipped(ctx.data.order, paid.total))
        return ", ".join(ctx.data.items)

    app.create_function(fn_id="order", trigger=trigger)(order if request.param == "async" else order_sync)
    return app


def test_what_it_is_invoked_with_is_of_its_type_too_or_fails(shop: App, host: Host) -> None:
    @shop.create_function(fn_id="desk", trigger=TriggerEvent(event="desk/asked"))
    async def desk(ctx: Context) -> str:
        return str(await ctx.step.invoke_by_id("order", function_id="order", data=ctx.event.data))

    host.send("desk/asked", {"order": 7, "items": ["book"]})
    host.send(Paid(order=7, total=1))
    assert host.run("desk").output == "book"
    host.send("desk/asked", {"order": 8, "items": "book"})
    host.advance("1d")
    assert (host.run("desk").status, host.run("order").status) == ("failed", "failed")
    assert "data.items: expected a list, found text" in str(host.run("desk").error)


def test_instances_go_in_and_come_out(shop: App, host: Host) -> None:
    host.send(Placed(7, ["book", "pen"]))
    host.send([Paid(order=8, total=1), Event.of(Paid(order=7, total=9.5), id="mine")])
    assert host.run().output == "book, pen"
    [shipped] = host.events("order/shipped")
    assert shipped.data == {"order": 7, "total": 9.5}
    assert "mine" in [event.id for event in host.events("order/paid")]


def test_a_trigger_of_another_form_fails_its_run_at_once(shop: App, host: Host) -> None:
    host.send("order/placed", {"order": "7"})
    run = host.run()
    assert (run.status, run.steps) == ("failed", {})
    assert run.error is not None
    assert run.error.name == "EventDataError"
    assert "data.order: expected a whole number, found text; data.items: missing" in run.error.message


def test_an_event_of_another_form_fails_its_run_at_the_wait(shop: App, host: Host) -> None:
    host.send(Placed(7, []))
    host.send("order/paid", {"order": 7})
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert "does not fit type Paid: data.total" in run.error.message
    host.advance("1h")
    assert len(host.events("tarry/function.failed")) == 1


def test_types_stand_where_names_do_in_the_first_of_several_and_in_so_many(app: App, host: Host) -> None:
    @app.create_function(fn_id="collector", trigger=TriggerEvent(event="begun"))
    async def collector(ctx: Context) -> list[object]:
        first = await ctx.step.wait_for_first("first", [EventMatch(Paid), EventMatch("closed")], timeout="1h")
        payments = await ctx.step.wait_for_events(
            "paid", event=Paid, timeout="1h", until=lambda paid: sum(each.total for each in paid) >= 30
        )
        assert_type(payments, list[Paid])
        assert isinstance(first, Paid)
        return [type(first).__name__, first.total, *(each.total for each in payments)]

    host.send("begun")
    for amount in (5, 10, 20):
        host.send([Event.of(Paid(order=7, total=amount))])
    assert host.run("collector").output == ["Paid", 5, 10, 20]
