"""Expressions in Inngest's dialect: what an event lacks is null, from the trigger to the receipt."""

from dataclasses import replace

import pytest

from tarry import App, Cancel, Context, Event, TriggerEvent
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
    assert run.steps["paid"].note == "event.data.sum is missing in the event that started the run, and counts as null"
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
    [miss] = host.receipt("p").near.waits
    assert [each.holds for each in miss.conjuncts] == [False]
