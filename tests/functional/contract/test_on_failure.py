"""A function's ``on_failure`` runs once for each of its runs that fails, however it fails, and for no other."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import boto3
import pytest

from tarry import App, Context, ContextSync, Event, NonRetriableError, TriggerEvent
from tarry._wire.limits import MAX_ENTRY
from tarry.function import FAILED
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes
from tests.unit.replay.faces import Face, as_async, as_def

PLACED = TriggerEvent(event="placed")


@pytest.fixture(params=[as_async, as_def], ids=["async", "def"])
def face(request: pytest.FixtureRequest) -> Face:
    """Of the handler that is run on failure."""
    chosen: Face = request.param
    return chosen


async def fails(ctx: Context) -> None:
    raise NonRetriableError(f"no stock for {ctx.event.id}")


def test_it_is_given_the_run_its_event_and_its_error(app: App, host: Host, face: Face) -> None:
    async def sorry(ctx: Context) -> str:
        told = ctx.event.data
        return await ctx.step.run("refund", lambda: f"{told['event']['data']['sum']} for {told['error']['message']}")

    app.create_function(fn_id="order", trigger=PLACED, on_failure=face(sorry))(fails)
    host.send([Event("placed", {"sum": 7}, id="p-1", user={"id": 3})])
    failed, refund = host.run("order"), host.run("order-failure")
    assert (refund.status, refund.output) == ("finished", "7 for no stock for p-1")
    told = refund.event
    assert (told.name, told.source) == (FAILED, "tarry.shop")
    assert (told.data["function_id"], told.data["run_id"]) == ("order", failed.id)
    assert told.data["error"].keys() == {"name", "message", "stack"}
    assert (told.data["error"]["name"], "in fails" in told.data["error"]["stack"]) == ("NonRetriableError", True)
    assert told.data["event"]["user"] == {"id": 3}
    assert "truncated" not in told.data
    assert [event.name for event in host.events()] == ["placed", FAILED, "tarry/function.finished"]


def test_only_failures_of_its_own_function_start_it(app: App, host: Host, diary: Diary) -> None:
    async def sorry(ctx: Context) -> None:
        await diary.write(ctx.event.data["run_id"])

    @app.create_function(fn_id="order", trigger=PLACED, on_failure=sorry)
    async def order(ctx: Context) -> None:
        if ctx.event.data["n"] == 0:
            raise NonRetriableError
        await ctx.step.sleep("rest", "1h")

    app.create_function(fn_id="other", trigger=PLACED)(fails)
    host.send("placed", {"n": 0})
    [failed] = host.runs("order")
    host.send("placed", {"n": 1})
    host.cancel(host.runs("order")[1])
    host.send("placed", {"n": 2})
    host.advance("2h")
    assert [run.status for run in host.runs("order")] == ["failed", "cancelled", "finished"]
    assert diary.entries == [failed.id]


def test_another_apps_function_of_the_same_id_is_another_function(app: App, host: Host) -> None:
    async def sorry(ctx: Context) -> None: ...

    app.create_function(fn_id="order", trigger=PLACED, on_failure=sorry)(fails)
    theirs = Event(FAILED, {"function_id": "order", "run_id": "r", "error": {}, "event": {}}, id="theirs")
    App("depot", bus=host.cloud.bus).bus.send_internal([theirs])
    host.cloud.pump()
    assert [event.source for event in host.events(FAILED)] == ["tarry.depot"]
    assert host.runs() == []


def test_it_is_tried_again_as_its_function_is_and_never_starts_itself(app: App, host: Host, diary: Diary) -> None:
    async def sorry(ctx: Context) -> None:
        await diary.write(ctx.attempt)
        raise ConnectionError

    app.create_function(fn_id="order", trigger=PLACED, retries=2, backoff=["1m"], on_failure=sorry)(fails)
    host.send("placed")
    host.advance("1h")
    assert diary.entries == [0, 1, 2]
    assert [run.status for run in host.runs("order-failure")] == ["failed"]
    assert [event.data["function_id"] for event in host.events(FAILED)] == ["order", "order-failure"]


def test_a_function_may_listen_to_all_failures_beside_it(app: App, host: Host, diary: Diary) -> None:
    def sorry(ctx: ContextSync) -> None:
        diary.entries.append("on_failure")

    app.create_function(fn_id="order", trigger=PLACED, on_failure=sorry)(fails)

    @app.create_function(fn_id="listener", trigger=TriggerEvent(event=FAILED))
    async def listener(ctx: Context) -> None:
        await diary.write(ctx.event.data["function_id"])

    host.send("placed")
    assert sorted(map(str, diary.entries)) == ["on_failure", "order"]


def test_it_runs_when_the_executor_died_again_and_again(app: App, host: Host, face: Face) -> None:
    async def sorry(ctx: Context) -> Any:
        return ctx.event.data["error"]["name"]

    @app.create_function(fn_id="order", trigger=PLACED, on_failure=face(sorry))
    async def order(ctx: Context) -> None:
        await ctx.step.run("list", boto3.client("s3").list_buckets)

    with host.cloud.dies(lambda call: call.operation == "ListBuckets", function="executor"):
        host.send("placed")
        host.advance("3h")
    assert host.run("order").status == "failed"
    assert [run.output for run in host.runs("order-failure")] == ["ExecutorDied"]
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_a_failure_that_is_announced_twice_runs_it_once(app: App, host: Host, diary: Diary) -> None:
    async def sorry(ctx: Context) -> None:
        await ctx.step.run("refund", diary.write, "refund")

    app.create_function(fn_id="order", trigger=PLACED, on_failure=sorry)(fails)
    host.send("placed")
    [announced] = host.events(FAILED)
    app.bus.send_internal([announced, announced])
    host.cloud.pump()
    host.advance("10m")
    app.bus.send_internal([announced])
    host.cloud.pump()
    assert (diary.entries, len(host.runs("order-failure"))) == (["refund"], 1)


def refunds_with(dies: Callable[[Call], bool]) -> tuple[object, ...]:
    app, diary = App("shop"), Diary()

    async def sorry(ctx: Context) -> str:
        return await ctx.step.run("refund", diary.write, "refund")

    app.create_function(fn_id="order", trigger=PLACED, on_failure=sorry)(fails)
    with Cloud(app) as cloud, cloud.dies(dies):
        host = Host(cloud)
        host.send("placed")
        host.advance("1h")
        outcomes = [(run.function_id, run.status) for run in host.runs()]
        return outcomes, set(diary.entries), len(host.events(FAILED)), in_indexes(cloud), host.dead_letters


def at(place: int) -> Callable[[Call], bool]:
    numbers = count()
    return lambda call: next(numbers) == place


def test_whichever_call_a_lambda_dies_at_it_runs_once() -> None:
    calls: list[Call] = []

    def never(call: Call) -> bool:
        calls.append(call)
        return False

    alive = refunds_with(never)
    assert alive == ([("order", "failed"), ("order-failure", "finished")], {"refund"}, 1, set(), [])
    wrong = []
    for place, call in enumerate(calls):
        if refunds_with(at(place)) != alive:
            wrong.append((place, call))
    assert wrong == []


@pytest.mark.parametrize("size", [240_000, MAX_ENTRY - 20_000])
def test_a_large_event_reaches_it_whole(app: App, host: Host, size: int) -> None:
    async def sorry(ctx: Context) -> Any:
        return ctx.event.data["event"]["data"]

    app.create_function(fn_id="order", trigger=PLACED, retries=0, on_failure=sorry)(fails)
    data = {"text": random.Random(1).randbytes(size // 2).hex()}
    host.send("placed", data)
    assert host.run("order-failure").output == data
