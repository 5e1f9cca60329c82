"""Time to live: what belongs to an ended run is removed, the run's item last."""

from random import Random

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.store.step_items import run_pk
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import ThrottledError
from tests.functional.contract.traces import in_indexes

EITHER = "async.data.id == event.data.id || async.data.all == true"


def placed() -> Event:
    return Event("placed", {"id": "7"}, id="p-1")


@pytest.fixture(autouse=True)
def order(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", diary.write, "billed")
        await ctx.step.wait_for_event("wait", event="paid", if_exp=EITHER, timeout="1h")
        await ctx.step.run("ship", diary.write, "shipped")


def items(cloud: Cloud, run_id: str) -> set[str]:
    """The sort keys of what is in the run's partition."""
    key = {":pk": {"S": run_pk(run_id)}}
    found = cloud.clients.dynamodb.query(
        TableName="tarry", KeyConditionExpression="pk = :pk", ExpressionAttributeValues=key, ConsistentRead=True
    )
    return {item["sk"]["S"] for item in found["Items"]}


def test_a_runs_item_goes_days_after_all_else_of_it_and_until_then_its_event_starts_nothing(
    host: Host, cloud: Cloud, diary: Diary
) -> None:
    host.send([placed()])
    run = host.run()
    host.advance("2h")
    assert run.status == "finished"
    host.advance("46d")
    cloud.expire()
    assert items(cloud, run.id) == {"run"}
    host.advance("5d")
    cloud.expire()
    host.send([placed()])
    host.advance("2h")
    assert (items(cloud, run.id), diary.entries) == ({"run"}, ["billed", "shipped"])
    host.advance("3d")
    cloud.expire()
    assert items(cloud, run.id) == set()


def test_a_kept_step_of_an_ended_run_does_not_pass_for_one_of_a_run_that_its_event_starts_anew(
    host: Host, cloud: Cloud, diary: Diary
) -> None:
    """Should time to live take the run's item before the steps all the same, the second run fails, and says why."""
    host.send([placed()])
    run = host.run()
    host.advance("2h")
    cloud.clients.dynamodb.delete_item(TableName="tarry", Key={"pk": {"S": run_pk(run.id)}, "sk": {"S": "run"}})
    cloud.clients.dynamodb.delete_item(TableName="tarry", Key={"pk": {"S": run_pk(run.id)}, "sk": {"S": "step#ship"}})
    host.send([placed()])
    host.advance("2h")
    assert run.error is not None
    assert (run.status, run.error.name) == ("failed", "RunExpiredError")
    assert diary.entries.count("shipped") == 1, "nothing behind the first step runs again"
    assert (in_indexes(cloud), host.dead_letters) == (set(), [])


def test_what_an_ended_run_still_has_open_is_withdrawn_by_the_next_message_if_the_one_that_ended_it_is_dead(
    host: Host, cloud: Cloud
) -> None:
    """executor    run ended ── fails (ten times; dead letter)        message: steps withdrawn, end announced"""

    def throttled(call: Call) -> bool:
        """No write of many items gets through: that is how steps are withdrawn."""
        if call.operation == "BatchWriteItem" and not call.answered:
            raise ThrottledError
        return False

    host.send([placed()])
    run = host.run()
    with cloud.dies(throttled, function="executor"):
        host.cancel(run)
        host.advance("45m")
    assert (run.status, run.steps["wait"].status) == ("cancelled", "waiting")
    host.advance("1h")  # the wait's deadline
    assert run.steps["wait"].status == "withdrawn"
    assert in_indexes(cloud) == set()


def test_a_wait_that_is_older_than_the_log_ends_though_a_large_event_of_its_key_is_half_removed(
    app: App, host: Host, cloud: Cloud
) -> None:
    """The bucket has removed the event's data; time to live comes days late, and the item still names them.

    log      large event ── 7 days: kept ── data removed ┄┄┄┄┄┄┄┄┄┄┄┄┄ item removed
    wait     ─────────────────────────────────────────── deadline: look
    """

    @app.create_function(fn_id="patient", trigger=TriggerEvent(event="asked"))
    async def patient(ctx: Context) -> str:
        holds = "async.data.id == event.data.id && async.data.n > 5"
        event = await ctx.step.wait_for_event("wait", event="answered", if_exp=holds, timeout="30d")
        return event.id if event else "in vain"

    host.send("asked", {"id": "7"})
    host.advance("5m")
    large = Random(1).randbytes(300_000).hex()
    host.send("answered", {"id": "7", "n": 1, "text": large})
    host.advance("10d")
    [value] = cloud.clients.s3.list_objects_v2(Bucket="tarry", Prefix="log/")["Contents"]
    cloud.clients.s3.delete_object(Bucket="tarry", Key=value["Key"])
    host.advance("21d")
    assert host.run("patient").output == "in vain"
    assert host.dead_letters == []


def test_e7_a_large_event_with_an_id_that_climbs_out_of_folders_is_stored_as_any_other(
    app: App, cloud: Cloud, host: Host
) -> None:
    """S3 refuses an object's name whose ``..`` climb higher than its folders go, which no emulator does."""

    @app.create_function(fn_id="note", trigger=TriggerEvent(event="drawn"))
    async def note(ctx: Context) -> int:
        return len(ctx.event.data["text"])

    text = Random(1).randbytes(300_000).hex()
    cloud.send(Event("drawn", {"text": text}, id="../../../../7"))
    cloud.pump()
    assert host.run("note").output == len(text)
    stored = cloud.clients.s3.list_objects_v2(Bucket="tarry", Prefix="log/")["Contents"]
    assert {each["Key"].count("/") for each in stored} == {2}
