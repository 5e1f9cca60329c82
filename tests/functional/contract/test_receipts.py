"""An event's receipt: what it started, resumed and cancelled, and which waits it missed, and why."""

import pytest

from tarry import App, Cancel, Context, Event, EventMatch, TriggerEvent
from tarry_backend.api.receipts import Receipt, Why
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.moments import deadline_of, receive_at

PLACED = TriggerEvent(event="placed")
OR = "async.data.id == event.data.id || async.data.all == true"
LARGE = "async.data.id == event.data.id && async.data.sum >= 100"


@pytest.fixture
def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        paid = await ctx.step.wait_for_event("paid", event="paid", if_exp=LARGE, timeout="2h")
        return paid.id if paid else None

    @app.create_function(fn_id="ship", trigger=PLACED, cancel=[Cancel(event="recalled", match="data.id")])
    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_event("packed", event="packed", if_exp=OR, timeout="2h")
        await ctx.step.sleep("pause", "1d")


ordered = pytest.mark.usefixtures("order")


def paid(event_id: str = "p", /, *, name: str = "paid", **data: object) -> Event:
    return Event(name, {"id": "7", "sum": 100, **data}, id=event_id)


def why(found: Receipt) -> list[tuple[str, Why]]:
    """What it did nothing but miss."""
    assert (found.resumed, found.cancelled, found.pending) == ((), (), ())
    assert found.misses == len(found.missed)
    return [(miss.step_key, miss.why) for miss in found.missed]


@ordered
def test_it_says_which_runs_the_event_started_and_what_they_are_at(host: Host) -> None:
    host.send([paid("o", name="placed")])
    found = host.receipt("o")
    assert [(each.run.function_id, each.run.status) for each in found.started] == [
        ("order", "running"),
        ("ship", "running"),
    ]
    assert (found.received.event.name, why(found)) == ("placed", [])


@ordered
def test_it_says_which_waits_the_event_resumed_and_which_runs_it_cancelled(host: Host) -> None:
    host.send([paid("o", name="placed"), paid("o-2", name="placed", id="8")])
    order, ship = host.run("order").id, host.run("ship").id
    host.send([paid("p", id="8"), paid("r", name="recalled", id="8")])
    assert (host.receipt("p").resumed, host.receipt("p").missed) == (((order, "paid"),), ())
    assert (host.receipt("r").cancelled, host.receipt("r").resumed) == (((ship, "tarry/cancel.0"),), ())


@ordered
def test_the_same_event_sent_twice_has_one_receipt(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.send([paid("p")])
    host.send([paid("p")])
    assert host.receipt("p").resumed == ((host.run("order").id, "paid"),)
    assert host.receipt("p").missed == ()


@ordered
def test_an_expression_that_is_false_for_it_or_cannot_be_evaluated(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.send([paid("small", sum=99), paid("odd", sum="100")])
    [miss] = host.receipt("small").missed
    assert (miss.run.id, miss.step_key, miss.why, miss.expression) == (
        host.run("order").id,
        "paid",
        "expression",
        LARGE,
    )
    [odd] = host.receipt("odd").missed
    assert odd.why is Why.INCOMPARABLE
    assert "string" in odd.detail
    host.advance("3h")  # it is said of a wait that has timed out since, too
    assert why(host.receipt("small")) == [("paid", Why.EXPRESSION)]


@ordered
def test_another_value_is_no_miss(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.send([paid("p", id="8")])
    assert why(host.receipt("p")) == []


@ordered
def test_too_early_and_too_late_by_how_much(host: Host, cloud: Cloud) -> None:
    host.send([paid("early")])
    host.advance("1m")
    host.send([paid("o", name="placed")])
    [early] = host.receipt("early").missed
    assert early.why is Why.EARLY
    assert 60_000 <= early.apart < 61_000
    deadline = deadline_of(host.run("order"), "paid")
    receive_at(cloud, deadline + 5, paid("late"))
    host.advance("10s")
    [late] = host.receipt("late").missed
    assert (late.why, late.apart) == (Why.LATE, 5)
    assert host.run("order").output is None


@ordered
def test_a_wait_that_was_over_more_than_an_hour_before_is_no_miss(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.advance("4h")
    host.send([paid("p")])
    assert why(host.receipt("p")) == []


@ordered
def test_w06_one_that_the_deadlines_marker_has_overtaken_is_told_so(host: Host, cloud: Cloud) -> None:
    host.send([paid("o", name="placed")])
    receive_at(cloud, deadline_of(host.run("order"), "paid") - 1, paid("in time"))
    batch = cloud.queues["events"].receive()
    cloud.advance("3s")
    cloud.queues["events"].deliver(batch)
    cloud.pump()
    assert host.run("order").output is None
    assert why(host.receipt("in time")) == [("paid", Why.OVERTAKEN)]


@ordered
def test_one_that_came_once_the_wait_had_its_event(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.send([paid("first")])
    host.send([paid("second")])
    [miss] = host.receipt("second").missed
    assert (miss.why, miss.detail) == (Why.RESOLVED, "first")


@ordered
def test_one_that_came_once_the_run_was_cancelled(host: Host) -> None:
    host.send([paid("o", name="placed")])
    host.cancel(host.run("order"))
    host.send([paid("p")])
    assert why(host.receipt("p")) == [("paid", Why.WITHDRAWN)]


def test_one_that_the_run_began_with_or_has_had(app: App, host: Host) -> None:
    @app.create_function(fn_id="again", trigger=PLACED)
    async def again(ctx: Context) -> None:
        await ctx.step.wait_for_event("next", event="placed", match="data.id", timeout="1h")

    host.send([paid("o", name="placed")])
    [miss] = host.receipt("o").missed
    assert (miss.step_key, miss.why) == ("next", Why.HAD)


@ordered
def test_it_matches_but_the_run_has_not_been_told_yet(host: Host, cloud: Cloud) -> None:
    host.send([paid("o", name="placed")])
    with cloud.hold("runs"):
        host.send([paid("p")])
        found = host.receipt("p")
    assert [(each.run.id, each.step_key) for each in found.pending] == [(host.run("order").id, "paid")]
    assert (found.resumed, found.missed, found.misses) == ((), (), 0)


@ordered
@pytest.mark.parametrize("ended", [False, True])
def test_a_wait_is_found_by_each_of_its_keys_also_when_it_has_ended(host: Host, *, ended: bool) -> None:
    """Its alternatives stand in items of their own."""
    host.send([paid("o", name="placed")])
    host.send([paid("all", name="packed", id="-", all=True)])
    run = host.run("ship")
    assert host.receipt("all").resumed == ((run.id, "packed"),)
    if ended:
        host.advance("2d")
        assert run.status == "finished"
    host.send([paid("by id", name="packed"), paid("by all", name="packed", id="-", all=True)])
    missed = [] if ended else [("packed", Why.RESOLVED)]
    assert (why(host.receipt("by id")), why(host.receipt("by all"))) == (missed, missed)


def test_of_a_wait_for_the_first_of_several_each_events_name_is_asked(app: App, host: Host, cloud: Cloud) -> None:
    @app.create_function(fn_id="end", trigger=PLACED)
    async def end(ctx: Context) -> None:
        events = [EventMatch(event="paid", match="data.id"), EventMatch(event="refused", if_exp=LARGE)]
        await ctx.step.wait_for_first("end", events, timeout="1h")

    host.send([paid("o", name="placed")])
    host.send([paid("small", name="refused", sum=1)])
    assert why(host.receipt("small")) == [("end", Why.EXPRESSION)]
    receive_at(cloud, deadline_of(host.run(), "end") + 1, paid("late", name="refused"))
    host.advance("10s")
    assert why(host.receipt("late")) == [("end", Why.LATE)]


def test_a_race_that_is_lost_withdraws_the_wait(app: App, host: Host) -> None:
    @app.create_function(fn_id="race", trigger=PLACED)
    async def race(ctx: Context) -> None:
        async def loses() -> None:
            await ctx.step.wait_for_event("loses", event="paid", match="data.id", timeout="1h")

        async def wins() -> None:
            await ctx.step.sleep("wins", "1m")

        await ctx.group.race([loses, wins])
        await ctx.step.sleep("on", "1h")

    host.send([paid("o", name="placed")])
    host.advance("2m")
    host.send([paid("p")])
    assert why(host.receipt("p")) == [("loses", Why.WITHDRAWN)]


def test_of_a_fan_out_all_are_there_and_of_many_misses_the_nearest(app: App, host: Host) -> None:
    @app.create_function(fn_id="flag", trigger=PLACED)
    async def flag(ctx: Context) -> None:
        await ctx.step.wait_for_event("on", event="on", if_exp="async.data.level >= event.data.level", timeout="1h")

    host.send([Event("placed", {"level": level}) for level in range(60)])
    runs = host.runs()
    host.send([Event("on", {"level": 34}, id="on")])
    found = host.receipt("on")
    assert set(found.resumed) == {(run.id, "on") for run in runs[:35]}
    assert (found.misses, len(found.missed), {miss.why for miss in found.missed}) == (25, 20, {Why.EXPRESSION})
    assert found.is_whole


def test_of_too_many_waits_it_says_that_some_were_not_looked_at(
    app: App, host: Host, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarry_backend.api.receipts.LOOKED_THROUGH", 3)

    @app.create_function(fn_id="flag", trigger=PLACED)
    async def flag(ctx: Context) -> None:
        await ctx.step.wait_for_event("on", event="on", timeout="1h")

    host.send([Event("placed")] * 3)
    host.send([Event("on", id="on")])
    assert host.receipt("on").is_whole
    host.send([Event("placed")])
    assert not host.receipt("on").is_whole
    assert len(host.receipt("on").resumed) <= 3


def test_an_event_that_has_not_come_has_none(host: Host) -> None:
    with pytest.raises(LookupError, match="no event with id 'p' has come"):
        host.receipt("p")
