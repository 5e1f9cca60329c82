"""What belongs to an ended run goes with it, objects in the bucket too. What is live, or near its end, stays."""

from random import Random
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths

LARGE = Random(7).randbytes(400_000).hex()
"""It compresses badly."""

PLACED = TriggerEvent(event="placed")

DAY = 86_400_000


@pytest.fixture(autouse=True)
def order(app: App) -> list[int]:
    """Fails while the list is not empty."""
    broken: list[int] = []

    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        if ctx.event.data.get("large"):
            await ctx.step.run("large", lambda: LARGE + ctx.event.id)
        await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="300d")
        if broken:
            raise ValueError("broken")
        return "shipped"

    return broken


def objects(cloud: Cloud) -> list[str]:
    found = cloud.clients.s3.list_objects_v2(Bucket=cloud.settings.bucket).get("Contents", [])
    return [each["Key"] for each in found if each["Key"].startswith("runs/")]


def items(cloud: Cloud) -> list[str]:
    found = cloud.clients.dynamodb.scan(TableName=cloud.settings.table)["Items"]
    return [f"{item['pk']['S']} {item['sk']['S']}" for item in found if item["pk"]["S"].startswith("run#")]


def pass_days(host: Host, days: int) -> None:
    """Let days pass at once. Time to live is prompt."""
    cloud = host.cloud
    for _ in range(days):
        cloud.clock.move_to(cloud.clock.now() + DAY)
        cloud.expire()
    host.advance("3m")


def run_to_end(host: Host) -> None:
    host.send([Event("placed", {"id": "7", "large": True}, id="o-1")])
    host.send("paid", {"id": "7"})


def test_all_of_an_ended_run_goes_items_and_objects(host: Host) -> None:
    run_to_end(host)
    assert host.run().status == "finished"
    assert len(objects(host.cloud)) == 1
    pass_days(host, 30)
    assert len(objects(host.cloud)) == 1, "it may still be looked at"
    pass_days(host, 40)
    assert (objects(host.cloud), items(host.cloud), host.dead_letters) == ([], [], [])


def test_objects_of_a_run_that_goes_on_stay(host: Host) -> None:
    host.send([Event("placed", {"id": "7", "large": True})])
    pass_days(host, 100)
    assert len(objects(host.cloud)) == 1
    host.send("paid", {"id": "7"})
    assert host.run().output == "shipped"


def test_objects_of_a_run_that_was_retried_late_stay_until_its_last_end(host: Host, order: list[int]) -> None:
    order.append(1)
    run_to_end(host)
    run = host.run()
    assert run.status == "failed"
    pass_days(host, 25)
    order.clear()
    host.retry(run)
    assert run.status == "finished"
    pass_days(host, 30)
    assert len(objects(host.cloud)) == 1
    assert runtime().store.runs.load(run.id) is not None
    pass_days(host, 50)
    assert (objects(host.cloud), items(host.cloud)) == ([], [])


def test_objects_go_after_the_item_however_late_time_to_live_is(host: Host) -> None:
    run_to_end(host)
    for _ in range(6):
        host.cloud.clock.move_to(host.cloud.clock.now() + 10 * DAY)
        host.advance("3m")
    assert len(objects(host.cloud)) == 1
    host.cloud.expire()
    host.cloud.clock.move_to(host.cloud.clock.now() + 8 * DAY)
    host.advance("3m")
    assert (objects(host.cloud), items(host.cloud)) == ([], [])


def test_whichever_call_the_executor_dies_at_the_objects_go(host: Host) -> None:
    run_to_end(host)
    plan = Mortal("executor")
    with host.cloud.dies(plan):
        pass_days(host, 60)
    calls = plan.calls
    assert {"ListObjectsV2", "DeleteObject"} <= set(calls)
    for number, death in enumerate(deaths("executor", calls)):
        host.send([Event("placed", {"id": str(number), "large": True})])
        host.send("paid", {"id": str(number)})
        with host.cloud.dies(Mortal("executor", death)):
            pass_days(host, 60)
            host.advance("1h")
        assert (objects(host.cloud), items(host.cloud)) == ([], []), death


def test_a_run_without_large_values_costs_nothing_for_it(host: Host) -> None:
    calls: list[Call] = []

    def note(call: Call) -> bool:
        calls.append(call)
        return False

    host.send([Event("placed", {"id": "7"})])
    with host.cloud.dies(note):
        host.send("paid", {"id": "7"})
        pass_days(host, 60)
    assert not any(call.operation in ("ListObjectsV2", "DeleteObject") for call in calls)
    assert items(host.cloud) == []


def test_a_dropped_step_and_a_cancel_mark_go_too(app: App, host: Host, order: list[int]) -> None:
    order.append(1)
    run_to_end(host)
    run: Any = host.run()
    host.retry(run)
    host.cancel(run)
    pass_days(host, 80)
    assert (objects(host.cloud), items(host.cloud)) == ([], [])
