"""Leases: ended steps carry their time to live while their run goes on, and still nothing live expires.

Time to live is prompt here, or late, or takes the items in any order: DynamoDB promises only that it takes none early.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tarry import App, Context, Event, RetryAfterError, Timeouts, TriggerEvent
from tarry_backend.executor import run_end
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_backend.store.step_items import run_pk
from tarry_dev.cloud import Call, Cloud, Host, HostedRun
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import ThrottledError

PLACED = TriggerEvent("placed")
DAY = 86_400

Body = Callable[[Context, Diary], Awaitable[None]]


def placed() -> Event:
    return Event("placed", {"id": "7"}, id="p-1")


def items(run: HostedRun) -> dict[str, Any]:
    """What is stored of the run: its expiry in days from the run's start, or ``None``, by sort key."""
    stored = list(runtime().store.table.query(Item, run_pk(run.id)))
    return {item.sk: item.expires for item in stored}


def ended_at(run: HostedRun) -> int:
    stored = runtime().store.runs.run(run.id)
    assert stored is not None
    assert stored.ended is not None
    return stored.ended


def set_expiry(cloud: Cloud, run: HostedRun, sk: str, expires: int | None) -> None:
    """Write an item's expiry as the last release would have left it."""
    given: Any = {} if expires is None else {"ExpressionAttributeValues": {":e": {"N": str(expires)}}}
    cloud.clients.dynamodb.update_item(
        TableName="tarry",
        Key={"pk": {"S": run_pk(run.id)}, "sk": {"S": sk}},
        UpdateExpression="REMOVE expires" if expires is None else "SET expires = :e",
        **given,
    )


def pass_days(host: Host, cloud: Cloud, days: int, by: int = 6) -> Iterator[int]:
    """Let days pass. Time to live takes at once what it may."""
    for day in range(0, days, by):
        host.advance(f"{by}d")
        cloud.expire()
        yield day + by


async def wait_in_vain(ctx: Context, diary: Diary) -> None:
    await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="366d")


async def sleep(ctx: Context, diary: Diary) -> None:
    await ctx.step.sleep("sleep", "300d")


async def wait_for_signal(ctx: Context, diary: Diary) -> None:
    await ctx.step.wait_for_signal("go", signal="go", timeout="200d")


async def invoke(ctx: Context, diary: Diary) -> None:
    await ctx.step.invoke_by_id("invoke", function_id="slow")


async def retry_a_step(ctx: Context, diary: Diary) -> None:
    async def fail() -> None:
        await diary.write(f"attempt {ctx.event.id}")
        if diary.entries.count(f"attempt {ctx.event.id}") == 1:
            raise RetryAfterError("later", timedelta(days=150))

    await ctx.step.run("fail", fail)


async def retry_the_function(ctx: Context, diary: Diary) -> None:
    if ctx.attempt == 0:
        raise RetryAfterError("later", timedelta(days=150))


async def sleep_often(ctx: Context, diary: Diary) -> None:
    for number in range(12):
        await ctx.step.sleep(f"sleep {number}", "14d")
        await ctx.step.run(f"write {number}", diary.write, number)


async def go_on_beside(ctx: Context, diary: Diary) -> None:
    async def often() -> None:
        for number in range(20):
            await ctx.step.run(f"write {number}", diary.write, number)
            await ctx.step.sleep(f"sleep {number}", "2d")

    wait = ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="200d")
    await asyncio.gather(wait, often())


LONG: list[Body] = [
    *(wait_in_vain, sleep, wait_for_signal, invoke, retry_a_step, retry_the_function, sleep_often, go_on_beside),
]


def add(app: App, diary: Diary, body: Body) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, timeouts=Timeouts(finish="366d"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", diary.write, "billed")
        await ctx.step.sleep("rest", "1d")
        await ctx.step.run("pack", diary.write, "packed")
        await body(ctx, diary)
        await ctx.step.run("ship", diary.write, "shipped")

    @app.create_function(fn_id="slow", trigger=TriggerEvent("never"))
    async def slow(ctx: Context) -> None:
        await ctx.step.sleep("rest", "250d")


@pytest.mark.parametrize("body", LONG, ids=lambda body: body.__name__)
def test_no_step_of_a_run_expires_while_it_lives_however_long(
    app: App, host: Host, cloud: Cloud, diary: Diary, body: Body
) -> None:
    add(app, diary, body)
    host.send([placed()])
    run, before = host.run("order"), set[str]()
    for _ in pass_days(host, cloud, 390):
        if run.status != "running":
            break
        there = items(run)
        assert before <= there.keys()
        before = set(there)
    assert (run.status, run.error) == ("finished", None) if body is not wait_in_vain else run.status != "running"
    assert len(diary.entries) == len(set(diary.entries)) + (body is retry_a_step)
    for _ in pass_days(host, cloud, 66):
        there = items(run)
        assert "run" in there or not there, "the run's item goes last"
    assert items(run) == {}
    assert host.dead_letters == []


@pytest.mark.parametrize("seed", range(4))
def test_whatever_time_to_live_takes_first_an_event_that_comes_again_starts_no_second_run(
    app: App, host: Host, cloud: Cloud, diary: Diary, seed: int
) -> None:
    """Each day some of the expired items go; none is later than two days."""

    async def nothing(ctx: Context, diary: Diary) -> None:
        """Ends at once."""

    add(app, diary, nothing)
    host.send([placed()])
    run, random = host.run("order"), Random(seed)
    host.advance("2d")
    assert run.status == "finished"
    late = dict[tuple[Any, Any], int]()
    for day in range(60):
        host.advance("1d")
        for item in cloud._table.expired():
            key = item.hash_key, item.range_key
            if random.random() < 0.3 or day - late.setdefault(key, day) >= 2:
                cloud._table.expire([item])
        there = items(run)
        assert "run" in there or not there
        if there and day % 5 == 0:
            host.send([placed()])
            assert diary.entries == ["billed", "packed", "shipped"]
    assert items(run) == {}


def test_an_ended_run_of_some_days_is_stored_for_thirty_days_and_at_most_forty_five(
    app: App, host: Host, cloud: Cloud, diary: Diary
) -> None:
    async def ten_days(ctx: Context, diary: Diary) -> None:
        await ctx.step.sleep("sleep", "10d")

    add(app, diary, ten_days)
    host.send([placed()])
    run = host.run("order")
    host.advance("12d")
    assert run.status == "finished"
    ended = ended_at(run) / 1000
    left = {sk: (expires - ended) / DAY for sk, expires in items(run).items() if sk.startswith("step#")}
    assert all(29.99 < days < 45.01 for days in left.values())
    assert left["step#bill"] < left["step#pack"] < left["step#ship"], "none was written again"


def test_a_setting_of_fewer_days_still_holds(app: App, tarry: Any, diary: Diary) -> None:
    host: Host = tarry(app, run_days=3)

    async def nothing(ctx: Context, diary: Diary) -> None:
        """Ends at once."""

    add(app, diary, nothing)
    host.send([placed()])
    run = host.run("order")
    host.advance("2d")
    host.advance("19d")
    host.cloud.expire()
    assert items(run).keys() == {"run"}


def test_leases_are_removed_before_what_needs_that_is_written(app: App, host: Host, cloud: Cloud, diary: Diary) -> None:
    """executor    leases: throttled ── dies        leases ── wait"""
    add(app, diary, wait_in_vain)
    host.send([placed()])
    run = host.run("order")

    def throttled(call: Call) -> bool:
        if call.operation == "BatchWriteItem" and not call.answered:
            raise ThrottledError
        return False

    with cloud.dies(throttled, function="executor"):
        host.advance("1d")
        host.advance("10s")
        assert "step#wait" not in items(run)
    host.advance("1h")
    there = items(run)
    assert {there[sk] for sk in ("step#bill", "step#rest", "step#pack", "step#wait")} == {None}
    assert diary.entries == ["billed", "packed"]


def test_a_step_that_ends_while_a_long_wait_is_opened_has_no_lease(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch, diary: Diary
) -> None:
    """ends       lease ── written (slow)
    opens             waits for that ──── lease removed ── written
    """
    table, saved = runtime().store.table, list[str]()
    put = table.put

    def slowly(item: Item, *asked: Any) -> None:
        if item.sk in ("step#a", "step#b"):
            time.sleep(0.3)
        put(item, *asked)
        saved.append(item.sk)

    monkeypatch.setattr(table, "put", slowly)

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        async def after() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="366d")

        a, b = (ctx.step.run(name, diary.write, name) for name in "ab")
        await asyncio.gather(a, b, after())

    host.send([placed()])
    there = items(host.run("order"))
    assert {there[sk] for sk in ("step#a", "step#b", "step#wait")} == {None}
    assert saved.index("step#wait") > max(saved.index("step#a"), saved.index("step#b"))


def run_without_executors(app: App, host: Host, cloud: Cloud, diary: Diary, *, days: int) -> HostedRun:
    """A run that sleeps for 14 days, while each executor dies for ``days``. Then executors work again for two days."""

    async def rest(ctx: Context, diary: Diary) -> None:
        await ctx.step.sleep("sleep", "14d")

    add(app, diary, rest)
    host.send([placed()])
    run = host.run("order")
    host.advance("2d")
    with cloud.dies(lambda call: True, function="executor"):
        for _ in pass_days(host, cloud, days):
            pass
    host.advance("2d")
    return run


def test_a_run_goes_on_after_its_executors_were_out_of_order_for_weeks(
    app: App, host: Host, cloud: Cloud, diary: Diary
) -> None:
    run = run_without_executors(app, host, cloud, diary, days=33)
    cloud.expire()
    assert (run.status, diary.entries) == ("finished", ["billed", "packed", "shipped"])


def test_a_run_that_is_so_late_that_steps_may_be_gone_fails_and_runs_none_again(
    app: App, host: Host, cloud: Cloud, diary: Diary
) -> None:
    run = run_without_executors(app, host, cloud, diary, days=60)
    assert run.error is not None
    assert (run.status, run.error.name, diary.entries) == ("failed", "RunExpiredError", ["billed", "packed"])


def test_a_run_whose_function_is_removed_for_months_goes_on_when_it_is_back(
    app: App, host: Host, cloud: Cloud, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_end, "PARKED", DAY * 1000)  # a quarter of an hour would make ten thousand wake-ups

    async def rest(ctx: Context, diary: Diary) -> None:
        await ctx.step.sleep("sleep", "3d")

    add(app, diary, rest)
    host.send([placed()])
    run = host.run("order")
    host.advance("2d")
    deploy(App("shop"))
    for _ in pass_days(host, cloud, 120, by=15):
        assert run.status == "running"
    deploy(app)
    host.advance("2d")
    assert (run.status, diary.entries) == ("finished", ["billed", "packed", "shipped"])


def test_a_run_of_the_last_release_goes_on_and_expires(app: App, host: Host, cloud: Cloud, diary: Diary) -> None:
    """Its ended steps have no expiry while it lives. At its end all its steps get one."""
    add(app, diary, wait_in_vain)
    host.send([placed()])
    run = host.run("order")
    host.advance("2d")
    for sk in items(run):
        set_expiry(cloud, run, sk, None)
    host.send("paid", {"id": "7"})
    assert (run.status, diary.entries) == ("finished", ["billed", "packed", "shipped"])
    host.advance("46d")
    cloud.expire()
    assert items(run).keys() == {"run"}


def test_a_run_that_the_last_release_has_ended_is_not_touched(app: App, host: Host, cloud: Cloud, diary: Diary) -> None:
    """Its items expire after 30 and 37 days. Its event, sent again, starts nothing, nor does it write them."""

    async def nothing(ctx: Context, diary: Diary) -> None:
        """Ends at once."""

    add(app, diary, nothing)
    host.send([placed()])
    run = host.run("order")
    host.advance("2d")
    ended = ended_at(run) // 1000
    for sk in items(run):
        set_expiry(cloud, run, sk, ended + (37 if sk == "run" else 30) * DAY)
    before = items(run)
    host.advance("10d")
    host.send([placed()])
    assert (items(run), diary.entries) == (before, ["billed", "packed", "shipped"])
