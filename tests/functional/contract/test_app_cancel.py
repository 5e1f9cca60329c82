"""``app.cancel``: the app's own code cancels a run, by an event on its bus."""

import pytest

from tarry import App, Context, ContextSync, Event, EventError, TriggerEvent, UsageError
from tarry._wire.bus import source_of
from tarry_backend.events.address import run_id_of
from tarry_backend.queues.messages import CancelRun
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Cloud, Host, HostedRun
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import ThrottledError
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")


def throttled(call: Call) -> bool:
    """No write of the executor's gets through."""
    if call.operation == "PutItem" and not call.answered:
        raise ThrottledError
    return False


@pytest.fixture(autouse=True)
def order(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="2h")
        await ctx.step.run("ship", diary.write, "ship")


@pytest.fixture
def run(host: Host) -> HostedRun:
    host.send("placed", {"id": "7"})
    return host.run()


def test_a_run_that_waits_is_cancelled_and_nothing_of_it_is_left(
    app: App, host: Host, cloud: Cloud, run: HostedRun, diary: Diary
) -> None:
    app.cancel(run.id)
    assert run.status == "running"
    cloud.pump()
    assert (run.status, str(run.cancellation)) == ("cancelled", "by hand")
    assert [told.data["run_id"] for told in host.events("tarry/function.cancelled")] == [run.id]
    host.send("paid", {"id": "7"})
    assert (diary.entries, in_indexes(cloud), host.dead_letters) == ([], set(), [])


def test_a_step_cancels_other_runs_and_a_run_can_cancel_itself(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="recall", trigger=TriggerEvent(event="recalled"))
    def recall(ctx: ContextSync) -> None:
        app.cancel([*ctx.event.data["runs"], ctx.run_id])
        ctx.step.sleep("rest", "1m")
        diary.entries.append("rested")

    for number in range(12):
        host.send("placed", {"id": number})
    orders = host.runs("order")
    host.send("recalled", {"runs": [run.id for run in orders[1:]]})
    assert [run.status for run in orders] == ["running", *["cancelled"] * 11]
    assert host.run("recall").status == "cancelled"
    host.advance("1h")
    assert diary.entries == []


def test_asked_for_twice_or_once_it_has_ended_it_changes_nothing(app: App, host: Host, run: HostedRun) -> None:
    host.send("paid", {"id": "7"})
    app.cancel([run.id, run.id])
    host.advance("1h")
    assert (run.status, run.cancellation) == ("finished", None)
    assert (host.events("tarry/function.cancelled"), host.dead_letters) == ([], [])


def test_an_id_of_no_run_does_nothing(app: App, host: Host) -> None:
    app.cancel("7" + "0" * 25)
    host.advance("1h")
    assert (host.runs(), host.dead_letters) == ([], [])


def test_a_run_that_was_cancelled_while_its_start_was_a_dead_letter_does_not_run_when_that_is_redriven(
    app: App, host: Host, cloud: Cloud, diary: Diary
) -> None:
    """start    fails … dead letter ─────────────────── redriven: cancelled
    cancel                             mark, no run
    """
    with cloud.dies(throttled, function="executor"):
        [event_id] = host.send([Event("placed", {"id": "7"}, id="p-1")])
        host.advance("1h")
    [letter] = host.dead_letters
    app.cancel(letter.json["run_id"])
    host.advance("13d")
    cloud.expire()
    assert cloud.redrive("runs") == 1
    host.advance("3h")
    host.send("paid", {"id": "7"})
    [run] = host.runs()
    assert (run.status, str(run.cancellation), run.steps) == ("cancelled", "by hand", {})
    assert [told.data["run_id"] for told in host.events("tarry/function.cancelled")] == [run.id]
    assert (diary.entries, in_indexes(cloud), host.dead_letters, event_id) == ([], set(), [], "p-1")


def test_a_cancel_that_overtakes_the_start_holds(app: App, host: Host, cloud: Cloud, diary: Diary) -> None:
    """The matcher dies over the event; a cancel of the run that is to be comes, then the event once more."""
    run_id = run_id_of("shop", "order", "p-1", "tarry.shop", "placed")
    with cloud.dies(lambda call: call.operation == "SendMessageBatch", function="matcher"):
        host.send([Event("placed", {"id": "7"}, id="p-1")])
    app.cancel(run_id)
    host.advance("10m")
    host.send("paid", {"id": "7"})
    host.advance("10m")
    assert (host.run().id, host.run().status, diary.entries) == (run_id, "cancelled", [])


def test_a_cancel_by_its_message_alone_leaves_the_mark_for_the_start(host: Host, cloud: Cloud, diary: Diary) -> None:
    with cloud.dies(throttled, function="executor"):
        host.send([Event("placed", {"id": "7"}, id="p-1")])
        host.advance("1h")
    runtime().queues.send_to_runs([CancelRun(run_id_of("shop", "order", "p-1", "tarry.shop", "placed"))])
    cloud.pump()
    cloud.redrive("runs")
    cloud.pump()
    assert (host.run().status, diary.entries) == ("cancelled", [])


def test_another_source_cannot(host: Host, run: HostedRun) -> None:
    host.put_events({"Source": "shop", "DetailType": "tarry/run.cancel", "Detail": f'{{"run_id": "{run.id}"}}'})
    host.put_events({"Source": source_of("shop"), "DetailType": "tarry/run.cancel", "Detail": '{"run_id": 7}'})
    assert (run.status, host.dead_letters) == ("running", [])


@pytest.mark.parametrize("wrong", ["", "7", "8" + "0" * 25, "7" + "u" * 25, 7, None])
def test_what_can_be_no_runs_id_is_refused_and_none_is_cancelled(
    app: App, host: Host, run: HostedRun, wrong: object
) -> None:
    with pytest.raises(UsageError, match="is not a run id"):
        app.cancel([run.id, wrong])  # type: ignore[list-item]
    host.advance("1m")
    assert run.status == "running"


@pytest.mark.parametrize("operation", ["BatchWriteItem", "SendMessageBatch"])
def test_though_the_matcher_dies_on_the_way_it_comes_to_the_same(
    app: App, host: Host, cloud: Cloud, run: HostedRun, operation: str
) -> None:
    with cloud.dies(lambda call: call.operation == operation, function="matcher"):
        app.cancel(run.id)
        cloud.pump()
    host.advance("10m")
    assert (run.status, len(host.events("tarry/function.cancelled"))) == ("cancelled", 1)


def test_a_user_cannot_call_an_event_as_tarry_does(host: Host, run: HostedRun) -> None:
    with pytest.raises(EventError, match="names that begin with 'tarry/' are Tarry's own"):
        host.send([Event("tarry/run.cancel", {"run_id": run.id})])
    assert run.status == "running"
