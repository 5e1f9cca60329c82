"""An event cancels runs: those it matches, wherever they are, and whenever it comes after what started them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Cancel, Context, ContextSync, Event, TriggerEvent
from tarry_dev.cloud import Chaos, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
CANCELLED = "tarry/function.cancelled"
BY_ID = "async.data.id == event.data.id"
EITHER = f"{BY_ID} || async.data.all == true"

Add = Callable[..., None]


def waits_async(app: App, diary: Diary, *cancels: Cancel) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, cancel=list(cancels))
    async def order(ctx: Context) -> str:
        await ctx.step.run("bill", diary.write, "bill")
        await asyncio.gather(
            ctx.step.wait_for_event("paid", event="paid", if_exp=EITHER, timeout="2h"),
            ctx.step.sleep("rest", "1h"),
        )
        return await ctx.step.run("ship", diary.write, "ship")


def waits_sync(app: App, diary: Diary, *cancels: Cancel) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, cancel=list(cancels))
    def order(ctx: ContextSync) -> None:
        ctx.step.run("bill", diary.entries.append, "bill")
        ctx.step.wait_for_event("paid", event="paid", if_exp=EITHER, timeout="2h")
        ctx.step.run("ship", diary.entries.append, "ship")


def retries(app: App, diary: Diary, *cancels: Cancel) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, backoff=["1h"], cancel=list(cancels))
    def order(ctx: ContextSync) -> None:
        diary.entries.append("bill")
        raise ConnectionError


faces = pytest.mark.parametrize("add", [waits_async, waits_sync, retries], ids=lambda add: add.__name__)


def gone(event_id: str = "g-1", /, **data: Any) -> Event:
    return Event("gone", data or {"id": "7"}, id=event_id)


def is_cancelled_by(host: Host, event_id: str = "g-1") -> bool:
    """The run has been cancelled by this event, the bus was told so once, and nothing is left of it."""
    run = host.run("order")
    told = [event.data for event in host.events(CANCELLED)]
    return (
        run.status == "cancelled"
        and str(run.cancellation) == f"by event gone {event_id}"
        and [(data["run_id"], data["reason"], data["cancelled_by"]) for data in told]
        == [(run.id, "event", {"name": "gone", "id": event_id, "source": "tarry.shop"})]
        and {step.status for step in run.steps.values()} <= {"done", "withdrawn"}
        and in_indexes(host.cloud) == set()
        and host.dead_letters == []
    )


@faces
@pytest.mark.parametrize(
    "cancel", [Cancel("gone", if_exp=BY_ID), Cancel("gone", match="data.id"), Cancel("gone")], ids=str
)
def test_a_run_that_rests_is_cancelled_by_the_event_and_hears_no_more(
    app: App, host: Host, diary: Diary, add: Add, cancel: Cancel
) -> None:
    add(app, diary, cancel)
    host.send("placed", {"id": "7"})
    host.advance("10m")
    host.send([gone()])
    assert is_cancelled_by(host)
    host.send("paid", {"id": "7"})
    host.send([gone("g-2")])
    host.advance("3h")
    assert is_cancelled_by(host)
    assert diary.entries == ["bill"]


@faces
def test_an_event_that_does_not_match_or_came_before_cancels_nothing(
    app: App, host: Host, diary: Diary, add: Add
) -> None:
    add(app, diary, Cancel("gone", if_exp=BY_ID))
    host.send([gone("g-0")])
    host.send("placed", {"id": "7"})
    host.send([gone("g-1", id="8"), gone("g-2", id=7), gone("g-3", no="id")])
    host.advance("5m")
    assert host.run("order").status == "running"


def test_the_event_that_starts_a_run_does_not_cancel_it_but_the_one_before(app: App, host: Host, diary: Diary) -> None:
    waits_async(app, diary, Cancel("placed", match="data.id"))
    host.send([Event("placed", {"id": "7"}, id="p-1")])
    first = host.run("order")
    assert first.status == "running"
    host.send([Event("placed", {"id": "7"}, id="p-2")])
    second = host.run("order")
    assert (first.status, second.status) == ("cancelled", "running")
    assert str(first.cancellation) == "by event placed p-2"


@faces
def test_an_event_that_is_in_the_log_before_the_run_begins_cancels_it_before_its_function_is_called(
    app: App, host: Host, diary: Diary, add: Add
) -> None:
    """matcher     (placed, gone) log ── start ── index: nothing
    executor                                               guard ── log read
    """
    add(app, diary, Cancel("gone", if_exp=EITHER))
    with host.cloud.hold("runs"):
        host.cloud.send([Event("placed", {"id": "7"})])
        host.cloud.pump()
        host.cloud.send([gone()])
        host.cloud.pump()
    host.cloud.pump()
    assert is_cancelled_by(host)
    assert diary.entries == []


def test_one_event_cancels_many_runs_and_each_once(app: App, host: Host, diary: Diary) -> None:
    waits_async(app, diary, Cancel("gone", if_exp=EITHER))
    for number in range(12):
        host.send("placed", {"id": str(number)})
    host.send([gone(all=True)])
    host.send([gone(all=True)])  # the same once more
    assert {run.status for run in host.runs("order")} == {"cancelled"}
    assert len(host.events(CANCELLED)) == 12
    assert in_indexes(host.cloud) == set()


@pytest.mark.parametrize("data", [{"id": "7"}, {"all": True}], ids=str)
def test_either_side_of_an_or_cancels_and_neither_key_is_left(
    app: App, host: Host, diary: Diary, data: dict[str, Any]
) -> None:
    waits_async(app, diary, Cancel("gone", if_exp=EITHER))
    host.send("placed", {"id": "7"})
    host.send([gone(**data)])
    assert is_cancelled_by(host)


def test_each_of_several_cancels_counts(app: App, host: Host, diary: Diary) -> None:
    waits_async(app, diary, *(Cancel(f"gone/{number}", match="data.id") for number in range(4)), Cancel("gone"))
    host.send("placed", {"id": "7"})
    host.send([gone()])
    assert is_cancelled_by(host)


@pytest.mark.parametrize("first", ["paid", "gone"])
def test_of_two_events_at_once_the_run_has_one_outcome(app: App, host: Host, diary: Diary, first: str) -> None:
    waits_sync(app, diary, Cancel("gone", match="data.id"))
    host.send("placed", {"id": "7"})
    events = [Event("paid", {"id": "7"}), gone()]
    with host.cloud.hold("runs"):
        for event in events if first == "paid" else reversed(events):
            host.cloud.send(event)
            host.cloud.pump()
    host.cloud.pump()
    if first == "gone":
        assert is_cancelled_by(host)
        assert diary.entries == ["bill"]
    else:
        assert (host.run("order").status, diary.entries) == ("finished", ["bill", "ship"])
        assert host.events(CANCELLED) == []
        assert in_indexes(host.cloud) == set()


@pytest.mark.parametrize("name", ["paid", "before"])
def test_an_event_that_a_wait_and_a_cancel_are_both_waiting_for_cancels(
    app: App, host: Host, diary: Diary, name: str
) -> None:
    """Whichever of the two the matcher tells first: the order of their keys decides nothing."""

    @app.create_function(fn_id="order", trigger=PLACED, cancel=Cancel("gone", match="data.id"))
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event(name, event="gone", if_exp=EITHER, timeout="1h")
        await ctx.step.run("ship", diary.write, "ship")

    host.send("placed", {"id": "7"})
    host.send([gone()])
    assert is_cancelled_by(host)
    assert diary.entries == []


@pytest.mark.parametrize("cancel", [Cancel("gone", if_exp=EITHER), Cancel("gone")], ids=str)
def test_a_lagging_index_delays_the_cancelling_until_the_settle_and_no_longer(
    app: App, host: Host, diary: Diary, cancel: Cancel
) -> None:
    waits_async(app, diary, cancel)
    host.cloud.chaos = Chaos(index_lag=10)
    host.send("placed", {"id": "7"})
    host.advance("1s")
    host.send([gone()])
    assert host.run("order").status == "running", "the index has not lagged"
    host.advance("15s")
    assert is_cancelled_by(host)


def test_a_cancel_listens_until_its_timeout_and_the_run_goes_on(app: App, host: Host, diary: Diary) -> None:
    waits_sync(app, diary, Cancel("gone", if_exp=EITHER, timeout="30m"))
    host.send("placed", {"id": "7"})
    host.advance("31m")
    assert not any("cancel" in key for _, _, key in in_indexes(host.cloud))
    assert diary.entries == ["bill"]
    host.send([gone()])
    host.advance("1h")
    host.send("paid", {"id": "7"})
    assert (host.run("order").status, diary.entries) == ("finished", ["bill", "ship"])
    assert in_indexes(host.cloud) == set()


def test_an_event_that_was_received_in_time_cancels_even_if_it_is_handled_late(
    app: App, host: Host, diary: Diary
) -> None:
    waits_sync(app, diary, Cancel("gone", match="data.id", timeout="30m"))
    host.send("placed", {"id": "7"})
    host.cloud.advance("29m59s")
    with host.cloud.hold("events"):
        host.cloud.send([gone()])
        host.cloud.advance("30s")
    host.cloud.pump()
    assert is_cancelled_by(host)


@pytest.mark.parametrize(
    ("cancel", "says"),
    [
        (Cancel("gone", if_exp="async.data.id == event.data.nothing"), "event.data.nothing"),
        (Cancel("gone", if_exp="async.data.id ==== 1"), "position"),
        (Cancel("gone", if_exp="async.data.id"), "boolean"),
        (Cancel("gone", match="nonsense.id"), "a path begins with"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("unchecked")
def test_an_expression_that_cannot_be_used_fails_the_run_as_it_starts(
    app: App, host: Host, diary: Diary, cancel: Cancel, says: str
) -> None:
    waits_async(app, diary, Cancel("gone", if_exp=EITHER), cancel)
    host.send("placed", {"id": "7"})
    run = host.run("order")
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.message.startswith("function 'order': its cancel on 'gone': ")
    assert says in run.error.message
    assert (diary.entries, in_indexes(host.cloud), host.dead_letters) == ([], set(), [])


def test_a_cancel_is_no_step_of_the_run(app: App, host: Host, diary: Diary) -> None:
    """Neither among those that are shown, nor to the attempts of a function, which begin anew with its progress."""
    retries(app, diary, Cancel("gone", match="data.id", timeout="10m"))
    host.send("placed", {"id": "7"})
    host.advance("10m")
    host.advance("20h")
    assert diary.entries == ["bill"] * 5
    assert (host.run("order").status, host.run("order").steps) == ("failed", {})


def test_a_run_with_as_many_steps_as_it_may_have_has_its_cancels_besides(tarry_cloud: Callable[..., Cloud]) -> None:
    app, diary = App("shop"), Diary()

    @app.create_function(fn_id="order", trigger=PLACED, cancel=[Cancel("gone"), Cancel("void")])
    async def order(ctx: Context) -> None:
        for number in range(3):
            await ctx.step.run(str(number), diary.write, number)

    host = Host(tarry_cloud(app, max_steps=3))
    host.send("placed")
    assert (host.run().status, diary.entries) == ("finished", [0, 1, 2])


def test_a_cancel_that_takes_all_is_said_once_in_the_log(
    app: App, diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="tarry"):
        waits_async(app, diary, Cancel("gone"), Cancel("void", match="data.id"))
    [record] = caplog.records
    assert record.getMessage() == (
        "function 'order': every event 'gone' cancels all its runs, because this cancel has neither if_exp nor match"
    )


def played(mortal: Mortal, *, early: bool) -> tuple[object, ...]:
    """What is left of a run which such a Lambda was to start, or to cancel; ``early``: the event is there
    before the run begins."""
    app, diary = App("shop"), Diary()
    waits_async(app, diary, Cancel("gone", if_exp=EITHER), Cancel("void", match="data.id", timeout="90s"))
    with Cloud(app) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal):
            cloud.send([Event("placed", {"id": "7"}), *([gone()] if early else [])])
            cloud.advance("40m")
            cloud.send([gone("g-2" if early else "g-1")])
            cloud.advance("40m")
        host.advance("20m")
        return is_cancelled_by(host), sorted(set(map(str, diary.entries)))


@pytest.mark.parametrize("early", [False, True], ids=["later", "at once"])
@pytest.mark.parametrize("function", ["executor", "matcher"])
def test_whichever_call_a_lambda_dies_at_the_run_is_cancelled_once_and_nothing_of_it_is_left(
    function: str, early: bool
) -> None:
    immortal = Mortal(function)
    alive = played(immortal, early=early)
    assert alive == (True, [] if early else ["bill"])
    for death in deaths(function, immortal.calls):
        mortal = Mortal(function, death)
        assert played(mortal, early=early) == alive, death
        assert mortal.has_died, death
