"""Two events that differ in source, name or id are two events."""

import json
import re

import pytest

from tarry import App, Cancel, Context, Event, TriggerEvent
from tarry_dev.cloud import Host


def put(host: Host, name: str, source: str, event_id: str = "order-1", **data: object) -> None:
    """As somebody puts it who chooses ids, through a bus of the app's kind."""
    detail = {"v": 1, "id": event_id, "ts": host.cloud.clock.now(), "data": {"id": "7", **data}}
    host.cloud.put_events([{"Source": source, "DetailType": name, "Detail": json.dumps(detail)}])
    host.cloud.pump()


def test_w27_one_id_under_two_names_is_two_events(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1h")
        return paid.name if paid else "unpaid"

    host.send([Event("placed", {"id": "7"}, id="order-1")])
    host.send([Event("paid", {"id": "7"}, id="order-1")])
    assert host.run().output == "paid"


def test_w27_a_cancel_with_the_id_of_the_event_that_started_the_run_cancels_it(app: App, host: Host) -> None:
    @app.create_function(
        fn_id="order", trigger=TriggerEvent(event="placed"), cancel=Cancel("withdrawn", match="data.id")
    )
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("sleep", "1h")

    host.send([Event("placed", {"id": "7"}, id="order-1")])
    host.send([Event("withdrawn", {"id": "7"}, id="order-1")])
    assert host.run().status == "cancelled"


@pytest.mark.parametrize("first", ["shop", "depot"])
def test_w28_one_name_and_id_from_two_sources_are_two_events(app: App, host: Host, first: str) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> list[str | None]:
        waits = [
            await ctx.step.wait_for_event(f"paid {n}", event="paid", match="data.id", timeout="1h") for n in range(2)
        ]
        return [wait.source if wait else None for wait in waits]

    sources = {"shop": "tarry.shop", "depot": "tarry.depot"}
    second = "depot" if first == "shop" else "shop"
    host.send("placed", {"id": "7"})
    put(host, "paid", sources[first])
    put(host, "paid", sources[first])  # the same once more: it resolves nothing
    assert host.run().status == "running"
    put(host, "paid", sources[second])
    assert host.run().output == [sources[first], sources[second]]


def test_w28_both_are_in_the_log_though_the_same_millisecond_brought_them(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> list[str]:
        events = await ctx.step.wait_for_events(
            "paid", event="paid", match="data.id", count=2, timeout="1h", lookback="10m"
        )
        return sorted(event.source for event in events)

    vars(host.cloud.clock)["_step"] = 0
    with host.cloud.hold("events"):
        put(host, "paid", "tarry.depot")
        put(host, "paid", "tarry.shop")
    host.cloud.pump()
    vars(host.cloud.clock)["_step"] = 1
    host.send("placed", {"id": "7"})
    assert host.run().output == ["tarry.depot", "tarry.shop"]


def add_order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=[TriggerEvent(event="placed"), TriggerEvent(event="paid")])
    async def order(ctx: Context) -> list[str]:
        return [ctx.event.source, ctx.event.name, ctx.event.id]


def test_w27_one_id_under_two_names_starts_a_function_for_each(app: App, host: Host) -> None:
    add_order(app)
    for name in ("placed", "paid", "paid", "placed"):  # each of the two comes twice
        host.send([Event(name, {"id": "7"}, id="order-1")])
    assert [run.output[1:] for run in host.runs()] == [["placed", "order-1"], ["paid", "order-1"]]


def test_w28_one_name_and_id_from_two_sources_starts_a_function_for_each(app: App, host: Host) -> None:
    add_order(app)
    for source in ("tarry.depot", "tarry.shop", "tarry.depot", "tarry.shop"):
        put(host, "placed", source)
    assert [run.output[0] for run in host.runs()] == ["tarry.depot", "tarry.shop"]


@pytest.mark.parametrize("event_id", ["a", "ä" * 256, "\u2028/ #"])
def test_a_runs_id_is_short_and_printable_whatever_its_event_is_called(app: App, host: Host, event_id: str) -> None:
    add_order(app)
    host.send([Event("placed", id=event_id)])
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", host.run().id)


def test_w27_a_receipt_of_an_id_that_names_two_events_asks_which(app: App, host: Host) -> None:
    add_order(app)
    host.send([Event("placed", {"id": "7"}, id="order-1")])
    host.send([Event("paid", {"id": "7"}, id="order-1")])
    with pytest.raises(
        LookupError, match=r"2 events have the id 'order-1': placed from tarry.shop, paid from tarry.shop"
    ):
        host.receipt("order-1")
    placed, paid = host.runs()
    for run, name in ((placed, "placed"), (paid, "paid")):
        made = host.receipt("order-1", name=name)
        assert (made.received.event.name, [each.run.id for each in made.started]) == (name, [run.id])


def test_w28_a_receipt_of_one_name_and_id_from_two_sources_asks_which(app: App, host: Host) -> None:
    add_order(app)
    put(host, "placed", "tarry.depot")
    put(host, "placed", "tarry.shop")
    with pytest.raises(LookupError, match=r"placed from tarry.depot, placed from tarry.shop; give name= and source="):
        host.receipt("order-1", name="placed")
    depot, _ = host.runs()
    assert [each.run.id for each in host.receipt("order-1", source="tarry.depot").started] == [depot.id]
