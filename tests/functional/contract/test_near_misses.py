"""Why an event did not match: the receipt lists open waits, cancels and triggers of its name, with their values."""

import json
from collections import Counter
from typing import Any

import pytest
from pynamodb.connection import Connection

from tarry import App, Cancel, Context, Event, EventMatch, TriggerEvent
from tarry_backend.api.documents import event_receipt_document
from tarry_dev.cloud import Host

PLACED = TriggerEvent(event="placed")
LARGE = "async.data.id == event.data.id && async.data.sum >= 100"


@pytest.fixture
def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, cancel=[Cancel(event="recalled", match="data.id")])
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", if_exp=LARGE, timeout="2h")

    @app.create_function(fn_id="big", trigger=TriggerEvent(event="big", expression="event.data.total > 100"))
    async def big(ctx: Context) -> None:
        pass


ordered = pytest.mark.usefixtures("order")


def shown(host: Host, event_id: str) -> list[tuple[str, list[tuple[bool | None, str]]]]:
    near = host.receipt(event_id).near
    return [(miss.step_key, [(each.holds, str(each)) for each in miss.conjuncts]) for miss in near.waits]


@ordered
def test_a_wait_for_id_7_and_an_event_with_id_text_7_are_told_apart_by_their_types(host: Host) -> None:
    host.send([Event("placed", {"id": 7})])
    host.send([Event("paid", {"id": "7", "sum": 100}, id="p")])
    assert shown(host, "p") == [
        (
            "paid",
            [
                (False, "async.data.id == event.data.id: '7' (string) and 7 (int)"),
                (True, "async.data.sum >= 100: 100 (int) and 100 (int)"),
            ],
        )
    ]
    found = host.receipt("p")
    assert (found.missed, found.near.unmatched, found.near.is_whole, found.near.is_listened) == ((), 1, True, True)


@ordered
def test_a_condition_that_cannot_be_evaluated_shows_its_error(host: Host) -> None:
    host.send([Event("placed", {"id": 7})])
    host.send([Event("paid", {"orderId": 7, "sum": "many"}, id="p")])
    [(_, [(first, missing), (second, clash)])] = shown(host, "p")
    assert (first, second) == (None, None)
    assert missing == "async.data.id == event.data.id: async.data.id is missing; event.data.id is 7 (int)"
    assert clash == "async.data.sum >= 100: string and int have no order; 'many' (string) and 100 (int)"


@ordered
def test_a_missed_wait_that_has_the_events_key_shows_its_conditions_too(host: Host) -> None:
    host.send([Event("placed", {"id": 7})])
    host.send([Event("paid", {"id": 7, "sum": 99}, id="p")])
    [miss] = host.receipt("p").missed
    assert [str(each) for each in miss.conjuncts if not each.holds] == ["async.data.sum >= 100: 99 (int) and 100 (int)"]
    assert host.receipt("p").near.waits == ()


@ordered
def test_a_cancel_and_a_trigger_that_did_not_fire_say_why(host: Host) -> None:
    host.send([Event("placed", {"id": 7})])
    host.send([Event("recalled", {"id": "7"}, id="r"), Event("big", {"total": "9"}, id="b")])
    [miss] = host.receipt("r").near.waits
    assert (miss.is_guard, miss.run.id) == (True, host.run("order").id)
    assert str(miss.conjuncts[0]) == "async.data.id == event.data.id: '7' (string) and 7 (int)"
    [trigger] = host.receipt("b").near.triggers
    assert (trigger.function_id, trigger.trigger, trigger.holds) == ("big", "big", False)
    assert str(trigger.conjuncts[0]).endswith("string and int have no order; '9' (string) and 100 (int)")


@ordered
def test_the_wait_of_which_all_other_conditions_hold_comes_first(host: Host) -> None:
    host.send([Event("placed", {"id": number}) for number in (1, 2)])
    host.send([Event("placed", {"id": 7})])
    host.send([Event("paid", {"id": 2.5, "sum": 1}, id="two wrong"), Event("paid", {"id": 7.5, "sum": 100}, id="p")])
    assert [len([each for each in parts if not each[0]]) for _, parts in shown(host, "two wrong")] == [2, 2, 2]
    assert [len([each for each in parts if not each[0]]) for _, parts in shown(host, "p")] == [1, 1, 1]


def test_of_waits_the_nearest_is_first_whatever_their_deadlines(app: App, host: Host) -> None:
    @app.create_function(fn_id="far", trigger=TriggerEvent(event="far"))
    async def far(ctx: Context) -> None:
        await ctx.step.wait_for_event("far", event="paid", if_exp=LARGE.replace("100", "1"), timeout="3h")

    @app.create_function(fn_id="soon", trigger=TriggerEvent(event="soon"))
    async def soon(ctx: Context) -> None:
        await ctx.step.wait_for_event("soon", event="paid", if_exp=LARGE, timeout="1h")

    host.send([Event("far", {"id": 7}), Event("soon", {"id": 7})])
    host.send([Event("paid", {"id": "7", "sum": 2}, id="p")])
    assert [step for step, _ in shown(host, "p")] == ["far", "soon"]


def test_a_condition_on_the_runs_own_values_shows_them(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event(
            "paid", event="paid", where={"data.id": 7}, if_exp="async.data.sum > least", bind={"least": 9}, timeout="1h"
        )

    host.send([Event("placed", {})])
    host.send([Event("paid", {"id": "7", "sum": 9}, id="p")])
    assert shown(host, "p") == [
        (
            "paid",
            [
                (False, "async.data.id == where['data.id']: '7' (string) and 7 (int)"),
                (False, "async.data.sum > least: 9 (int) and 9 (int)"),
            ],
        )
    ]


def test_a_wait_for_the_first_of_several_is_found_by_each_name(app: App, host: Host) -> None:
    @app.create_function(fn_id="end", trigger=PLACED)
    async def end(ctx: Context) -> None:
        events = [EventMatch(event="paid", match="data.id"), EventMatch(event="refused", match="data.id")]
        await ctx.step.wait_for_first("end", events, timeout="1h")

    host.send([Event("placed", {"id": 7})])
    host.send([Event("refused", {"id": "7"}, id="r")])
    assert [step for step, _ in shown(host, "r")] == ["end"]


@ordered
def test_a_name_that_nothing_listens_to_has_the_names_that_look_like_it(host: Host) -> None:
    host.send([Event("placed", {"id": 7})])
    host.send([Event("payd", {}, id="p"), Event("recaled", {}, id="r"), Event("unlike", {}, id="u")])
    near = [host.receipt(each).near for each in "pru"]
    assert [each.is_listened for each in near] == [False, False, False]
    assert [each.similar for each in near] == [("paid",), ("recalled",), ()]


@ordered
def test_more_waits_than_are_looked_at_is_said(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tarry_backend.api.near_misses.JUDGED", 2)
    host.send([Event("placed", {"id": number}) for number in range(3)])
    host.send([Event("paid", {"id": "7", "sum": 100}, id="p")])
    near = host.receipt("p").near
    assert (len(near.waits), near.unmatched, near.is_whole) == (2, 3, False)


@ordered
def test_waits_that_are_slow_to_judge_are_left_out_and_that_is_said(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tarry_backend.api.near_misses.SECONDS", -1.0)
    host.send([Event("placed", {"id": 7})])
    host.send([Event("paid", {"id": "7", "sum": 100}, id="p")])
    near = host.receipt("p").near
    assert (near.waits, near.unmatched, near.is_whole) == ((), 1, False)


def test_a_receipt_costs_a_bounded_number_of_reads(app: App, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.create_function(fn_id="flag", trigger=PLACED)
    async def flag(ctx: Context) -> None:
        await ctx.step.wait_for_event("on", event="on", match="data.id", timeout="1h")

    host.send([Event("placed", {"id": number}) for number in range(120)])
    host.send([Event("on", {"id": "7"}, id="on")])
    asked: Counter[str] = Counter()

    def dispatch(connection: Connection, operation: str, request: Any) -> Any:
        asked[request.get("IndexName", operation)] += 1
        return send(connection, operation, request)

    send = Connection.dispatch
    monkeypatch.setattr(Connection, "dispatch", dispatch)
    near = host.receipt("on").near
    assert (len(near.waits), near.unmatched, near.is_whole) == (20, 120, False)
    # Whether a debounce or a batch noted the event, also one that the code has no more; the steps of 120 timers by 100,
    # and the 100 runs that are judged; one query for each shard of timers.
    assert (asked["BatchGetItem"], asked["due"], asked["runs"], asked["waits"]) == (4, 4, 0, 2)


def test_values_are_cut_and_their_control_characters_are_escaped(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="2h")

    host.send([Event("placed", {"id": "\x1b]0;owned\x07" * 50})])
    host.send([Event("paid", {"id": 7}, id="p")])
    [(_, [(_, text)])] = shown(host, "p")
    assert "\x1b" not in text
    assert len(text) < 300
    document = json.dumps(event_receipt_document(host.receipt("p")))
    assert '"type": "string"' in document
