"""The leases of runs that are retried or run again: no step is gone that such a run needs, however late it goes on.

failed ──────── 29 days ──────── retried: new leases ──── goes on ──── a wait of 60 days ──── ended
   └─ the steps of this life expire from day 30 on
"""

import asyncio
from random import Random
from typing import Any

import pytest

from tarry import App, Context, Event, StepError, TriggerEvent
from tarry_backend.queues.rerun_runs import RerunError, request_rerun
from tarry_backend.queues.retry_runs import RetryError
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import run_pk
from tarry_dev.cloud import Call, Cloud, Host, HostedRun
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import ThrottledError

DAY = 86_400


class Deploy:
    """The user's code: broken until it is mended."""

    broken = True


@pytest.fixture
def deploy() -> Deploy:
    return Deploy()


def order(app: App, diary: Diary, deploy: Deploy) -> None:
    """It fails at ``ship``, tells so, and once mended waits for 60 days."""

    async def ship() -> None:
        await diary.write("ship")
        if deploy.broken:
            raise ValueError("no such column")

    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=0)
    async def order(ctx: Context) -> str:
        await ctx.step.run("pay", diary.write, "pay")
        await ctx.step.sleep("rest", "1d")
        await ctx.step.run("pack", diary.write, "pack")
        try:
            await ctx.step.run("ship", ship)
        except StepError:
            await ctx.step.run("tell", diary.write, "tell")
            raise
        event = await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="60d")
        await ctx.step.run("end", diary.write, "end")
        return event.id if event else "in vain"


def failed(host: Host) -> HostedRun:
    host.send([Event("placed", {"id": "7"}, id="p-1")])
    host.advance("1d")
    host.advance("1m")
    run = host.run("order")
    assert run.status == "failed"
    return run


def items(run: HostedRun) -> dict[str, Any]:
    """The expiries of what is stored of the run, by sort key."""
    return {item.sk: item.expires for item in runtime().store.table.query(Item, run_pk(run.id))}


KEPT = {"step#pay", "step#rest", "step#pack", "step#ship"}
ALL = ["pay", "pack", "ship", "tell"]


def test_a_run_that_is_retried_on_its_last_day_and_waits_for_60_days_has_all_its_steps_at_the_end(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy
) -> None:
    order(app, diary, deploy)
    run = failed(host)
    host.advance("28d")
    host.advance("23h")
    cloud.expire()
    deploy.broken = False
    host.retry(run)
    for _ in range(20):
        host.advance("3d")
        cloud.expire()
        there = items(run)
        assert KEPT | {"step#wait", "past#1#tell"} <= there.keys()
    host.advance("1h")
    assert (run.status, run.output, diary.entries) == ("finished", "in vain", [*ALL, "ship", "end"])
    assert KEPT | {"step#wait", "step#end", "past#1#tell", "run"} == items(run).keys()
    host.advance("29d")
    cloud.expire()
    assert KEPT | {"step#wait", "step#end", "run"} <= items(run).keys(), "an ended run is stored for 30 days"
    for _ in range(13):
        host.advance("2d")
        cloud.expire()
        assert "run" in items(run) or not items(run), "the run's item goes last"
    assert (items(run), host.dead_letters) == ({}, [])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_time_to_live_takes_first_a_run_that_is_retried_twice_lacks_no_step(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy, seed: int
) -> None:
    """Each day some of the expired items go, one by one. The second retry is of the life that the first one began."""
    order(app, diary, deploy)
    run, random = failed(host), Random(seed)

    def pass_days(days: int) -> None:
        for _ in range(days):
            host.advance("1d")
            for item in cloud._table.expired():
                if random.random() < 0.5:
                    cloud._table.expire([item])

    for _ in range(2):
        pass_days(random.randrange(20, 29))
        assert KEPT | {"step#tell"} <= items(run).keys()
        host.retry(run)
        assert run.status == "failed"
    pass_days(28)
    deploy.broken = False
    host.retry(run)
    pass_days(55)
    assert KEPT | {"step#wait", "past#1#tell", "past#2#tell", "past#3#tell"} <= items(run).keys()
    host.send([Event("paid", {"id": "7"}, id="e-1")])
    assert (run.status, run.output, run.life) == ("finished", "e-1", 4)
    assert diary.entries == [*ALL, "ship", "tell", "ship", "tell", "ship", "end"]
    assert host.dead_letters == []


def test_a_run_that_was_retried_in_time_has_not_expired_though_its_steps_are_old(
    app: App, tarry: Any, diary: Diary, deploy: Deploy
) -> None:
    """Nothing of the run is due later than on the day of the retry: the wait's deadline was long before.

    step ended, wait's deadline ──────── 48 days ──────── retried ── the deadline's marker: None
    """
    host: Host = tarry(app, run_days=60)

    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=0)
    async def order(ctx: Context) -> str:
        async def rest() -> None:
            await ctx.step.sleep("rest", "1d")
            if deploy.broken:
                raise ValueError("no such column")

        await ctx.step.run("pay", diary.write, "pay")
        wait = ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="2d")
        event, _ = await asyncio.gather(wait, rest())
        await ctx.step.run("end", diary.write, "end")
        return event.id if event else "in vain"

    run = failed(host)
    host.advance("50d")
    host.cloud.expire()
    deploy.broken = False
    host.retry(run)
    host.advance("1m")
    assert (run.error, run.status, run.output, diary.entries) == (None, "finished", "in vain", ["pay", "end"])


def test_a_function_that_fails_of_itself_again_and_again_after_a_late_retry_has_not_expired(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=1, backoff=["40d"])
    async def order(ctx: Context) -> str:
        await ctx.step.run("pay", diary.write, "pay")
        await ctx.step.sleep("rest", "1d")
        if deploy.broken and (ctx.attempt or ctx.event.data["id"] == "7"):
            raise KeyError("total")
        return await ctx.step.run("end", diary.write, "end")

    host.send([Event("placed", {"id": "7"}, id="p-1")])
    for _ in range(6):
        host.advance("8d")
        cloud.expire()
    run = host.run("order")
    assert run.status == "failed"
    host.advance("20d")
    cloud.expire()
    host.retry(run)
    deploy.broken = False
    for _ in range(6):
        assert {"step#pay", "step#rest"} <= items(run).keys()
        host.advance("8d")
        cloud.expire()
    assert (run.status, run.output, diary.entries) == ("finished", "end", ["pay", "end"])


@pytest.mark.parametrize(("asked", "outage"), [("695h", "10m"), ("648h", "30h")], ids=["redelivery", "sweep"])
def test_a_late_retry_that_dies_before_the_leases_are_new_gives_them_when_it_is_repeated(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy, asked: str, outage: str
) -> None:
    """executor    dropped steps aside: throttled ── dies ── outage        leases ── goes on"""
    order(app, diary, deploy)
    run = failed(host)
    host.advance(asked)
    deploy.broken = False

    def throttled(call: Call) -> bool:
        if call.operation == "BatchWriteItem" and not call.answered:
            raise ThrottledError
        return False

    with cloud.dies(throttled, function="executor"):
        host.retry(run)
        host.advance(outage)
        cloud.expire()
        assert (run.status, diary.entries) == ("running", ALL)
    host.advance("1d")
    for _ in range(10):
        host.advance("5d")
        cloud.expire()
    host.send([Event("paid", {"id": "7"}, id="e-1")])
    assert (run.status, run.output, diary.entries) == ("finished", "e-1", [*ALL, "ship", "end"])


def test_a_retried_run_for_which_no_executor_came_in_time_fails_and_runs_no_step_again(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy
) -> None:
    order(app, diary, deploy)
    run = failed(host)
    host.advance("28d")
    deploy.broken = False
    with cloud.dies(lambda call: True, function="executor"):
        host.retry(run)
        for _ in range(4):
            host.advance("1d")
            cloud.expire()
    host.advance("1d")
    host.advance("1d")
    assert run.error is not None
    assert (run.status, run.error.name, diary.entries) == ("failed", "RunExpiredError", ALL)
    with pytest.raises(RetryError, match=r"may have removed steps.*tarry rerun"):
        host.retry(run)
    with pytest.raises(RerunError, match="leave the step out"):
        host.rerun(run, from_step="ship")
    again = host.rerun(run)
    assert again.status == "running"
    assert diary.entries == [*ALL, "pay"]


def test_a_retry_is_refused_within_a_day_of_the_removal_of_steps(
    app: App, host: Host, diary: Diary, deploy: Deploy
) -> None:
    order(app, diary, deploy)
    run = failed(host)
    host.advance("29d")
    host.advance("1h")
    before = items(run)
    with pytest.raises(RetryError, match=r"removes its steps from 2026-02-.* on"):
        host.retry(run)
    with pytest.raises(RerunError, match=r"removes its steps from 2026-02-.* on"):
        host.rerun(run, from_step="ship")
    assert (run.status, items(run)) == ("failed", before)


def test_a_rerun_has_its_copied_steps_for_as_long_as_it_lives_whatever_becomes_of_the_old_run(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy
) -> None:
    order(app, diary, deploy)
    run = failed(host)
    host.advance("28d")
    deploy.broken = False
    again = host.rerun(run, from_step="ship")
    assert (again.status, diary.entries) == ("running", [*ALL, "ship"])
    for _ in range(11):
        host.advance("5d")
        cloud.expire()
        assert KEPT | {"step#wait"} <= items(again).keys()
    assert items(run) == {}
    host.send([Event("paid", {"id": "7"}, id="e-1")])
    assert (again.status, again.output, diary.entries) == ("finished", "e-1", [*ALL, "ship", "end"])


def test_a_short_rerun_writes_no_copied_step_twice(app: App, host: Host, diary: Diary, deploy: Deploy) -> None:
    """The copies have a lease from the beginning of the rerun on, as a step has from its end on."""
    order(app, diary, deploy)
    run = failed(host)
    host.advance("20d")
    again = host.rerun(run, from_step="ship")
    assert again.status == "failed"
    began = runtime().store.runs.run(again.id)
    assert began is not None
    days = {sk: (expires - began.started / 1000) / DAY for sk, expires in items(again).items() if sk in KEPT}
    assert {round(each) for each in days.values()} == {45}


def test_a_rerun_begins_without_what_time_to_live_has_left_of_a_run_of_its_id(
    app: App, host: Host, cloud: Cloud, diary: Diary, deploy: Deploy
) -> None:
    """The same bulk, or client, asks again after months: that makes a run of the same id."""
    order(app, diary, deploy)
    run = failed(host)
    deploy.broken = False
    first = _asked_again(app, host, run)
    host.send([Event("paid", {"id": "7"}, id="e-1")])
    assert first.status == "finished"
    cloud.clients.dynamodb.delete_item(TableName="tarry", Key={"pk": {"S": run_pk(first.id)}, "sk": {"S": "run"}})
    second = _asked_again(app, host, run)
    assert (first.id, second.status) == (second.id, "running")
    assert second.steps.keys() == {"pay", "rest", "pack", "ship", "wait"}
    assert diary.entries == [*ALL, "ship", "end", "ship"], "nothing of the earlier rerun answers the second one"


def _asked_again(app: App, host: Host, run: HostedRun) -> HostedRun:
    parts = runtime()
    made = request_rerun(run.id, app.functions, parts.store, parts.queues, nonce="n", step_key="ship")
    host.advance("2h")
    return HostedRun(made.id)
