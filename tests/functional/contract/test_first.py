"""``step.wait_for_first``: one wait for events of several names, and nothing left of the others."""

import pytest

from tarry import App, Context, ContextSync, Event, EventMatch, TriggerEvent
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
PAID = EventMatch(event="paid", match="data.id")
REFUSED = EventMatch(event="refused", if_exp="async.data.id == event.data.id || async.data.all == true")


@pytest.fixture(params=["async", "def"])
def order(request: pytest.FixtureRequest, app: App, diary: Diary) -> None:
    if request.param == "async":

        @app.create_function(fn_id="order", trigger=PLACED)
        async def order(ctx: Context) -> str:
            first = await ctx.step.wait_for_first("end", [PAID, REFUSED], timeout="2h")
            await ctx.step.run("note", diary.entries.append, first and first.id)
            second = await ctx.step.wait_for_first("end", [PAID, REFUSED], timeout="2h")
            return f"{first and first.name} {second and second.name}"
    else:

        @app.create_function(fn_id="order", trigger=PLACED)
        def order_sync(ctx: ContextSync) -> str:
            first = ctx.step.wait_for_first("end", [PAID, REFUSED], timeout="2h")
            ctx.step.run("note", diary.entries.append, first and first.id)
            second = ctx.step.wait_for_first("end", [PAID, REFUSED], timeout="2h")
            return f"{first and first.name} {second and second.name}"


pytestmark = pytest.mark.usefixtures("order")


def test_whichever_event_comes_first_ends_it_and_the_other_finds_nothing_of_it(host: Host, diary: Diary) -> None:
    host.send("placed", {"id": "7"})
    host.send("paid", {"id": "8"})
    assert host.run().steps["end"].status == "waiting"
    host.send([Event("refused", {"id": "7"}, id="r")])
    assert diary.entries == ["r"]
    host.send([Event("paid", {"id": "7"}, id="p")])
    assert host.run().output == "refused paid"
    assert diary.entries == ["r"]
    assert in_indexes(host.cloud) == set()


def test_it_is_none_when_none_of_them_comes(host: Host) -> None:
    host.send("placed", {"id": "7"})
    host.advance("5h")
    assert host.run().output == "None None"
    assert in_indexes(host.cloud) == set()


def test_of_events_of_both_names_the_earliest_that_the_log_holds_ends_it_whoever_was_faster(
    host: Host, cloud: Cloud
) -> None:
    """matcher 1    log (refused) ── dies                      ┄┄┄ resume (refused)
    matcher 2                            log (paid) ── resume (paid)
    """
    host.send("placed", {"id": "7"})
    cloud.send([Event("refused", {"id": "7"}, id="r")])
    with cloud.dies(lambda call: call.operation == "Query", function="matcher"):
        cloud.pump()
    cloud.advance("1s")
    cloud.send([Event("paid", {"id": "7"}, id="p")])
    cloud.pump()
    assert host.run().steps["end"].output.id == "r"
    host.advance("5m")
    assert host.run().output == "refused paid"


def test_an_event_that_comes_once_it_has_ended_is_not_swallowed(host: Host) -> None:
    """It was waited for, but it did not end that wait: so the next one has it, however close it came."""
    host.send("placed", {"id": "7"})
    host.send([Event("paid", {"id": "7"}, id="p"), Event("refused", {"all": True}, id="r")])
    assert host.run().output == "paid refused"


def test_events_that_were_sent_before_it_began_count_from_the_last_step_on(app: App, host: Host) -> None:
    @app.create_function(fn_id="asks", trigger=TriggerEvent(event="asked"))
    async def asks(ctx: Context) -> str:
        await ctx.step.send_event("replies", [Event("refused", {"id": "7"}), Event("paid", {"id": "7"})])
        first = await ctx.step.wait_for_first("end", [PAID, REFUSED], timeout="2h")
        return str(first and first.name)

    host.send("asked", {"id": "7"})
    assert host.run("asks").output == "refused"


def test_a_mistake_in_one_of_them_fails_the_run_and_names_it(app: App, host: Host) -> None:
    @app.create_function(fn_id="wrong", trigger=TriggerEvent(event="asked"))
    async def wrong(ctx: Context) -> None:
        await ctx.step.wait_for_first("end", [PAID, EventMatch("refused", "async.data.id == event.data.nr")], timeout=1)

    host.send("asked", {"id": "7"})
    run = host.run("wrong")
    assert run.status == "failed"
    assert run.error is not None
    assert "event.data.nr" in run.error.message
    assert "step 'end'" in run.error.message


def test_a_run_that_is_cancelled_leaves_nothing_of_it(host: Host) -> None:
    host.send("placed", {"id": "7"})
    host.cancel(host.run())
    assert in_indexes(host.cloud) == set()
