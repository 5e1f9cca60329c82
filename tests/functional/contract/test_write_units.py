"""What a run writes, in units of DynamoDB: docs/cost.md adds up their price."""

from typing import Any

import pytest

from tarry import App, Context, Event, RateLimit, Singleton, TriggerEvent
from tarry_dev.cloud import Host
from tests.functional.contract.write_units import write_meter
from tests.unit.repository import ROOT


async def say(what: str) -> str:
    return what


def test_a_run_with_two_steps_and_a_wait_that_an_event_ends_writes_each_of_its_items_no_second_time(
    app: App, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", say, "billed")
        await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="7d")
        await ctx.step.run("ship", say, "shipped")

    host.send([Event("warm", {"id": "0"}), Event("placed", {"id": "0"})])  # the names and their shape are known then
    with write_meter() as meter:
        host.send("placed", {"id": "7"})
        started = dict(meter.units)
        host.send("paid", {"id": "7"})
    assert host.run().status == "finished"
    # An event in the log, the run, a step, and the wait; the run and the wait come into their indexes.
    assert started == {"table": 4, "runs": 1, "waits": 1, "due": 1}
    # Two logged events (paid by name and by key, finished), the wait's end, a step, the run's end; the wait moves.
    assert meter.units == {"table": 4 + 6, "runs": 1, "waits": 3, "due": 2}


def test_a_run_that_fails_moves_in_the_index(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=0)
    async def order(ctx: Context) -> None:
        raise ValueError

    with write_meter() as meter:
        host.send("placed", {"id": "7"})
    assert host.run().status == "failed"
    assert meter.units["runs"] == 1 + 2


async def nothing(ctx: Context) -> None:
    pass


PLAIN = {"table": 1 + 1 + 1 + 1, "runs": 1}
"""A run that nothing hears: two logged events, the run, its end; the run comes into its index."""


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, 0),
        ({"rate_limit": RateLimit(limit=9, period="1m")}, 3),
        ({"singleton": Singleton(mode="skip")}, 3),
        ({"idempotency": "event.data.id"}, 3),
    ],
    ids=["plain", "rate_limit", "singleton", "idempotency"],
)
def test_each_item_of_a_start_in_a_transaction_counts_twice(
    app: App, host: Host, options: dict[str, Any], more: int
) -> None:
    app.create_function(fn_id="order", trigger=TriggerEvent("placed"), **options)(nothing)
    with write_meter() as meter:
        host.send("placed", {"id": "7"})
    assert host.run().status == "finished"
    # The run once more, and the other item of the transaction, twice. (The end of a singleton is an update: no put.)
    assert meter.units == PLAIN | {"table": PLAIN["table"] + more}


def test_the_cost_page_says_what_a_transaction_costs_more() -> None:
    page = " ".join((ROOT / "docs/cost.md").read_text().split())
    assert "`rate_limit` costs 2 USD more per million starts: three write units" in page
    assert "`singleton` costs 2.63 USD more per million runs: the transaction (three write units)" in page
    assert "`idempotency` costs 1.88 USD more per million starts: three write units" in page
