"""A run that kills each executor which takes it up."""

from collections import Counter

import boto3
import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.executor.executor import MAX_DEATHS
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_poison_run_is_failed_with_a_reason_and_its_neighbours_finish(
    app: App, host: Host, diary: Diary, place: int
) -> None:
    """Each message has an invocation to itself, so the executor that dies takes no neighbour along."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        await ctx.step.run("count", count, ctx.event.id)
        await ctx.step.wait_for_event("wait", event="paid", timeout="30d", lookback="1d")
        return "done"

    def count(event_id: str) -> int:
        diary.entries.append(event_id)
        if event_id == "poison":
            boto3.client("s3").list_buckets()
        return len(event_id)

    ids = [f"neighbour {number}" for number in range(4)]
    ids.insert(place, "poison")
    with host.cloud.dies(lambda call: call.operation == "ListBuckets", function="executor"):
        host.send([Event("placed", id=event_id) for event_id in ids])
        host.advance("3h")
    outcomes = {run.event.id: run for run in host.runs()}
    poison = outcomes.pop("poison")
    assert poison.status == "failed"
    assert poison.error is not None
    assert poison.error.name == "ExecutorDied"
    assert f"{MAX_DEATHS + 1} executors died" in poison.error.message
    [announced] = host.events("tarry/function.failed")
    assert announced.data["run_id"] == poison.id

    assert [run.status for run in outcomes.values()] == ["running"] * 4
    host.send("paid")
    assert [run.output for run in outcomes.values()] == ["done"] * 4
    bodies = Counter(diary.entries)
    assert bodies.pop("poison") == MAX_DEATHS + 1
    assert bodies.keys() == outcomes.keys()
    assert set(bodies.values()) == {1}
    assert in_indexes(host.cloud) == set()
    assert host.dead_letters == []


def test_a_run_whose_executors_died_for_other_reasons_is_not_failed_for_it_later(app: App, host: Host) -> None:
    """Each message of it finds its executor dying, fewer times than are too many; that does not add up."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> int:
        for number in range(3):
            await ctx.step.run("count", count, number)
            await ctx.step.wait_for_event("wait", event="next", timeout="30d")
        return 3

    def count(number: int) -> int:
        boto3.client("s3").list_buckets()
        return number

    deaths = 0

    def dies(operation: str) -> bool:
        nonlocal deaths
        deaths += operation == "ListBuckets"
        return operation == "ListBuckets" and deaths % (MAX_DEATHS + 1) != 0

    with host.cloud.dies(lambda call: not call.answered and dies(call.operation), function="executor"):
        for name in ("placed", "next", "next", "next"):
            host.send(name)
            host.advance("2h")
    assert deaths == 3 * (MAX_DEATHS + 1)
    assert host.run().output == 3


def test_a_run_that_rests_until_its_next_attempt_is_untouched_by_its_neighbours_deaths(
    app: App, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="slow", trigger=TriggerEvent(event="placed"), retries=1, backoff=["5h"])
    async def slow(ctx: Context) -> str:
        await diary.write(ctx.attempt)
        if ctx.attempt == 0:
            raise ConnectionError
        return "done"

    @app.create_function(fn_id="poison", trigger=TriggerEvent(event="placed"))
    async def poison(ctx: Context) -> None:
        await ctx.step.run("list", boto3.client("s3").list_buckets)

    with host.cloud.dies(lambda call: call.operation == "ListBuckets", function="executor"):
        host.send("placed")
        host.advance("3h")
    assert host.run("poison").status == "failed"
    assert (host.run("slow").status, diary.entries) == ("running", [0])
    host.advance("3h")
    assert (host.run("slow").output, diary.entries) == ("done", [0, 1])
