"""What a deploy changes around a function's code, and what its runs in flight make of it: see docs/upgrade.md."""

from collections.abc import Iterator
from typing import Any

import pytest

from tarry import App, Cancel, Context, Timeouts, TriggerEvent
from tarry_backend.runtime import host as deploy
from tarry_dev.cloud import Cloud, Host


def shop(trigger: str = "placed", fn_id: str = "order", **options: Any) -> App:
    app = App("shop")

    @app.create_function(fn_id=fn_id, trigger=TriggerEvent(event=trigger), **options)
    async def order(ctx: Context) -> str:
        await ctx.step.run("pack", str, "pack")
        event = await ctx.step.wait_for_event("paid", event="paid", timeout="3d")
        return event.id if event else "not paid"

    return app


@pytest.fixture
def host() -> Iterator[Host]:
    with Cloud(shop(cancel=[Cancel("left")], timeouts=Timeouts(finish="2d"))) as cloud:
        host = Host(cloud)
        host.send("placed")
        yield host


def test_a_trigger_that_changes_starts_new_runs_and_touches_none_in_flight(host: Host) -> None:
    deploy(shop("ordered"))
    host.send("placed")
    assert len(host.runs()) == 1
    host.send("ordered")
    assert len(host.runs()) == 2
    host.send("paid")
    assert [run.status for run in host.runs()] == ["finished", "finished"]


def test_a_run_in_flight_keeps_the_cancel_with_which_it_began(host: Host) -> None:
    deploy(shop())
    host.send("left")
    assert host.run().status == "cancelled"


def test_a_cancel_that_is_new_ends_no_run_that_has_a_step(host: Host) -> None:
    deploy(shop(cancel=[Cancel("left"), Cancel("refused")]))
    host.send("refused")
    assert host.run().status == "running"
    host.send("paid")
    assert host.run().status == "finished"


@pytest.mark.parametrize("finish", [None, "1h", "3d"])
def test_a_run_in_flight_keeps_its_time_to_finish(host: Host, finish: str | None) -> None:
    deploy(shop(cancel=[Cancel("left")], timeouts=Timeouts(finish=finish)))
    host.advance("47h")
    assert host.run().status == "running"
    host.advance("2h")
    assert host.run().status == "cancelled"


def test_a_run_whose_function_has_another_id_rests_until_the_id_is_back(host: Host) -> None:
    deploy(shop(fn_id="order-2"))
    host.send("paid")
    assert host.run("order").status == "running"
    deploy(shop())
    host.advance("20m")
    assert host.run("order").status == "finished"
