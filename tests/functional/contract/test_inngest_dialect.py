"""Expressions in Inngest's dialect: what an event lacks is null, from the trigger to the receipt."""

import asyncio
from dataclasses import replace

import pytest

from tarry import App, Cancel, Concurrency, Context, Event, TriggerEvent
from tarry_dev.cloud import Host

GONE = Cancel(event="gone", if_exp="event.data.id == async.data.id")


@pytest.fixture
def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), cancel=[GONE])
    async def order(ctx: Context) -> str:
        paid = await ctx.step.wait_for_event(
            "paid", event="paid", if_exp="event.data.sum == async.data.sum", timeout="1h"
        )
        return "late" if paid is None else "paid"


def speaks_inngest(app: App, function_id: str) -> None:
    app._functions[function_id] = replace(app.functions[function_id], dialect="inngest")


@pytest.mark.usefixtures("order")
def test_a_field_that_the_trigger_lacks_fails_the_run_in_tarrys_dialect(host: Host) -> None:
    host.send([Event("placed", {})])
    assert host.run("order").status == "failed"


@pytest.mark.usefixtures("order")
def test_a_field_that_the_trigger_lacks_is_null_in_inngests_dialect_and_the_wait_says_so(app: App, host: Host) -> None:
    speaks_inngest(app, "order")
    host.send([Event("placed", {})])
    run = host.run("order")
    assert run.status == "running"
    assert run.steps["paid"].note == "event.data.sum is missing in the event that started the run"
    host.send([Event("gone", {"id": "7"}), Event("paid", {"sum": 7})])
    assert host.run("order").status == "running"
    host.send([Event("paid", {"sum": None})])
    assert host.run("order").output == "paid"


@pytest.mark.usefixtures("order")
def test_a_guard_is_evaluated_in_the_functions_dialect(app: App, host: Host) -> None:
    speaks_inngest(app, "order")
    host.send([Event("placed", {"sum": 3})])
    host.send([Event("gone", {"id": None})])
    assert host.run("order").status == "cancelled"


@pytest.mark.usefixtures("order")
def test_a_receipt_explains_a_wait_in_the_dialect_in_which_it_was_stored(app: App, host: Host) -> None:
    speaks_inngest(app, "order")
    host.send([Event("placed", {})])
    host.send([Event("paid", {"sum": 7}, id="p")])
    [miss] = host.receipt("p").missed
    assert [each.holds for each in miss.conjuncts] == [False]


def test_a_trigger_and_a_key_are_evaluated_in_the_functions_dialect(app: App, host: Host) -> None:
    @app.create_function(
        fn_id="welcome",
        trigger=TriggerEvent("user/new", "event.data.plan != 'free'"),
        idempotency="event.data.account || event.data.user",
        concurrency=[Concurrency(1, key="event.data.account || event.data.user", hold="run")],
    )
    async def welcome(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")

    host.send([Event("user/new", {"user": "1"}, id="strict")])
    assert host.runs() == []
    speaks_inngest(app, "welcome")
    host.send([Event("user/new", {"user": "1"}, id="a"), Event("user/new", {"plan": "free"}, id="b")])
    host.send([Event("user/new", {"account": "1"}, id="same value"), Event("user/new", {"user": "2"}, id="c")])
    assert [run.event.id for run in host.runs()] == ["a", "c"]
    assert [run.steps.keys() for run in host.runs()] == [{"rest"}, {"rest"}]


def test_a_wait_is_evaluated_in_its_dialect_also_after_a_retry_of_its_run(app: App, host: Host) -> None:
    fails = [True]

    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=0)
    async def order(ctx: Context) -> str:
        found, _ = await asyncio.gather(
            ctx.step.wait_for_event("paid", event="paid", if_exp="async.data.state != event.data.state", timeout="1h"),
            ctx.step.run("check", check),
        )
        return "late" if found is None else "paid"

    async def check() -> None:
        if fails:
            raise RuntimeError("not yet")

    speaks_inngest(app, "order")
    host.send([Event("placed", {"state": "open"})])
    assert host.run("order").status == "failed"
    fails.clear()
    host.retry(host.run("order"))
    assert host.run("order").status == "running"
    host.send([Event("paid", {})])
    assert host.run("order").output == "paid"


def test_an_event_that_lacks_a_field_is_no_error_to_count(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", if_exp="async.data.sum > event.data.sum", timeout="1h")

    speaks_inngest(app, "order")
    host.send([Event("placed", {"sum": 7})])
    host.send([Event("paid", {}, id="p")])
    assert host.run("order").steps["paid"].note is None
    [miss] = host.receipt("p").missed
    assert [str(each) for each in miss.conjuncts] == [
        "async.data.sum > event.data.sum: async.data.sum is missing; event.data.sum is 7.0 (double)"
    ]
