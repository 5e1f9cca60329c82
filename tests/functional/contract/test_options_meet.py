"""Options of a function meet each other: what each promises alone, it promises beside the others."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tarry import (
    App,
    Batch,
    Concurrency,
    Context,
    Debounce,
    Event,
    Middleware,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerEvent,
)
from tarry_backend.api.receipts import Receipt, receipt
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.model.chain import Chain, Inherited
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run
from tarry_backend.model.trace import NoRun
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Host
from tests.functional.contract.plays import ThrottledError

TYPED = TriggerEvent(event="typed")


def typed(number: int, **data: Any) -> Event:
    return Event("typed", {"n": number, **data}, id=f"e{number}")


def shop(debounce: Debounce | None, app: App | None = None, **options: Any) -> App:
    app = app or App("shop")

    @app.create_function(fn_id="save", trigger=TYPED, debounce=debounce, **options)
    async def save(ctx: Context) -> int:
        n: int = ctx.event.data["n"]
        return n

    return app


def saved(host: Host) -> list[int]:
    return [run.event.data["n"] for run in host.runs("save")]


def receipt_of(host: Host, event_id: str) -> Receipt:
    """The receipt by the code that is deployed now."""
    app = runtime().app
    return receipt(host.receipt(event_id).received, app.id, app.functions, runtime().store, facts=facts_of(app))


# Debounce, and events of the future, of long ago, and from dead letters.


def test_the_time_to_start_of_a_debounced_run_counts_from_its_events_ts_if_that_is_later(app: App, host: Host) -> None:
    shop(Debounce("10s"), app, concurrency=1, timeouts=Timeouts(start="1h"))
    host.pause("save")
    host.send(Event("typed", {"n": 1}, ts=host.cloud.clock.now() + 86_400_000))
    host.advance(timedelta(days=1, minutes=30))
    assert host.run("save").status == "running"
    host.resume("save")
    host.advance("1m")
    assert host.run("save").output == 1


def test_a_debounced_run_that_waits_past_its_events_ts_for_longer_than_allowed_is_cancelled(
    app: App, host: Host
) -> None:
    shop(Debounce("10s"), app, concurrency=1, timeouts=Timeouts(start="1h"))
    host.pause("save")
    host.send(Event("typed", {"n": 1}, ts=host.cloud.clock.now() + 86_400_000))
    host.advance(timedelta(days=1, minutes=65))
    assert host.run("save").status == "cancelled"


def test_the_latest_event_of_a_window_whose_start_is_a_dead_letter_does_not_count_as_absorbed(host: Host) -> None:
    deploy(shop(Debounce("10s")))
    host.send([typed(1), typed(2)])
    deploy(App("shop"))
    host.advance("3h")
    deploy(shop(Debounce("10s")))
    assert receipt_of(host, "e2").unstarted == ()
    assert [each.holds for each in receipt_of(host, "e2").near.triggers] == [True]
    (trace,) = receipt_of(host, "e1").unstarted
    assert host.cloud.redrive("runs") == 1
    host.advance("1m")
    assert [each.run.id for each in receipt_of(host, "e2").started] == [trace.by]


def test_an_event_that_was_a_dead_letter_for_longer_than_the_log_lasts_starts_its_debounced_run(host: Host) -> None:
    deploy(shop(Debounce("1h")))

    def throttled(call: Call) -> bool:
        if call.operation == "UpdateItem" and not call.answered:
            raise ThrottledError
        return False

    with host.cloud.dies(throttled, function="matcher"):
        host.send(typed(1))
        host.advance("3h")
    host.advance("9d")
    host.cloud.expire()
    assert host.cloud.redrive("events") == 1
    host.cloud.pump()
    host.cloud.expire()
    host.advance("2h")
    assert saved(host) == [1]
    assert host.dead_letters == []


def test_a_window_whose_event_has_left_the_log_does_not_hold_up_the_others_of_its_key(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(shop(Debounce("10s", key="event.data.doc")))
    host.send(typed(1, doc=1))
    table = host.cloud.clients.dynamodb
    (item,) = [each for each in table.scan(TableName="tarry")["Items"] if each["pk"]["S"].startswith("log#typed")]
    table.delete_item(TableName="tarry", Key={"pk": item["pk"], "sk": item["sk"]})
    host.advance("1m")
    host.send(typed(2, doc=1))
    host.advance("1m")
    assert saved(host) == [2]
    assert host.dead_letters == []
    assert "a window of function save starts no run: event e1 of 'typed' is no longer in the log" in caplog.text


def test_an_absorbed_event_that_is_sent_again_after_the_key_has_changed_starts_no_run(host: Host) -> None:
    deploy(shop(Debounce("10s", key="event.data.doc")))
    host.send([typed(1, doc=1), typed(2, doc=1)])
    host.advance("15s")
    deploy(shop(Debounce("10s", key="[event.data.doc]")))
    host.send(typed(1, doc=1))
    host.advance("15s")
    assert saved(host) == [2]
    assert [(each.why, each.by) for each in receipt_of(host, "e1").unstarted] == [(NoRun.DEBOUNCED, host.run().id)]


def test_an_event_whose_matcher_died_before_a_deployment_changed_the_key_is_in_one_window(host: Host) -> None:
    """matcher     noted ── dies                            again: joins the window under which it was noted
    deployed                     ── with another key"""
    deploy(shop(Debounce("10m", key="event.data.doc")))
    deaths: list[str] = []

    def dies(call: Call) -> bool:
        if call.function == "matcher" and call.operation == "UpdateItem" and call.answered and not deaths:
            deaths.append(call.operation)
            return True
        return False

    with host.cloud.dies(dies):
        host.send(typed(1, doc=1))
    deploy(shop(Debounce("10m", key="[event.data.doc]")))
    host.advance("3h")
    assert saved(host) == [1]
    assert receipt_of(host, "e1").unstarted == ()


def test_an_absorbed_event_names_no_run_if_the_latest_event_of_its_window_was_refused(host: Host) -> None:
    deploy(shop(Debounce("10s"), rate_limit=RateLimit(1, "1h")))
    host.send(typed(1))
    host.advance("15s")
    host.send([typed(2), typed(3)])
    host.advance("15s")
    assert saved(host) == [1]
    assert [(each.why, each.by) for each in receipt_of(host, "e3").unstarted] == [(NoRun.LIMITED, None)]
    assert [(each.why, each.by) for each in receipt_of(host, "e2").unstarted] == [(NoRun.DEBOUNCED, None)]


# A run that has waited for its turn, and begins more than once.


@pytest.mark.parametrize(
    "options", [{"concurrency": 1}, {"throttle": Throttle(1, "1m")}, {"singleton": Singleton("cancel")}]
)
@pytest.mark.parametrize("end", ["raises", "dies"])
def test_a_run_that_has_waited_for_its_turn_begins_again_after_a_failure_before_its_first_step(
    app: App, host: Host, options: Any, end: str
) -> None:
    begun: list[str] = []
    deaths: list[str] = []

    @app.create_function(fn_id="save", trigger=TYPED, timeouts=Timeouts(start="1h", finish="1d"), **options)
    async def save(ctx: Context) -> str:
        begun.append(ctx.event.id)
        if end == "raises" and begun.count("e2") == 1:
            raise ValueError("not yet")
        if ctx.event.id == "e1":
            await ctx.step.sleep("rest", "10s")
        return await ctx.step.run("work", lambda: ctx.event.id)

    def dies(call: Call) -> bool:
        if end == "raises" or deaths or "e2" not in begun or call.function != "executor":
            return False
        deaths.append(call.operation)
        return True

    with host.cloud.dies(dies):
        host.send([typed(1), typed(2)])
        host.advance("2h")
    assert host.dead_letters == []
    assert {run.event.id: run.status for run in host.runs()}["e2"] == "finished"
    assert begun.count("e2") >= 2


# A run that hands over, and its middleware.


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"data": {"odd": {1, 2}}}, "its data"),
        ({"data": {"odd": float("nan")}}, "its data"),
        ({"data": {"odd": object()}}, "its data"),
        ({"data": {"odd": deep(300)}}, "its data"),
        ({"data": {"odd": "x" * 1_100_000}}, "its data"),
        ({"data": [1]}, "is not an event's data"),
        ({"user": {"odd": {1, 2}}}, "the fields of its user"),
        ({"user": [1]}, "is not an event's user"),
    ],
)
def test_a_middleware_that_makes_of_the_data_what_no_event_may_have_fails_the_run_that_hands_over(
    app: App, host: Host, fields: Any, what: str
) -> None:
    class Odd(Middleware):
        def before_send_events(self, events: Any) -> Any:
            return [Event(event.name, **{"data": event.data, "id": event.id, **fields}) for event in events]

    @app.create_function(fn_id="account", trigger=TYPED, middleware=[Odd], retries=0)
    async def account(ctx: Context) -> object:
        return "second" if ctx.event.data["n"] == 2 else await ctx.continue_as_new({"n": 2})

    host.send(typed(1))
    host.advance("1h")
    (run,) = host.runs()
    assert run.status == "failed"
    assert run.error is not None
    assert what in run.error.message
    assert host.dead_letters == []


# Values of keys that no sensible sender sends.


ODD = [
    "1e400",
    "-0.0",
    '"' + "x" * 50_000 + '"',
    '"\\ud800"',
    "null",
    "[" * 150 + "]" * 150,
    '{"b": 1, "a": [1e400, "\\ud800"]}',
    "1" * 4_000,
    '"a#b"',
    '""',
]

KEYED: dict[str, dict[str, Any]] = {
    "remind": {"rate_limit": RateLimit(1_000, "1h", key="event.data.k")},
    "save": {"debounce": Debounce("1s", key="event.data.k")},
    "copy": {"singleton": Singleton("skip", key="event.data.k")},
    "call": {"throttle": Throttle(1_000, "1h", burst=500, key="event.data.k")},
    "ship": {"concurrency": Concurrency(5, key="event.data.k"), "priority": Priority("event.data.k")},
    "export": {"batch_events": Batch(2, "1s", key="event.data.k")},
    "pay": {"idempotency": "event.data.k"},
}


def test_whatever_value_a_key_has_its_event_starts_a_run_or_says_why_not(app: App, host: Host) -> None:
    for name, options in KEYED.items():
        app.create_function(fn_id=name, trigger=TYPED, **options)(nothing)
    for value in ODD:
        host.put_events({"Source": "elsewhere", "DetailType": "typed", "Detail": f'{{"k": {value}}}'})
    host.advance("10s")
    for event in host.events("typed"):
        found = host.receipt(event.id)
        functions = [stored(each.run.id) for each in found.started] + [each.function_id for each in found.unstarted]
        assert sorted(functions) == sorted(KEYED)
    assert len(host.events("typed")) == len(ODD)


async def nothing(ctx: Context) -> None: ...


def stored(run_id: str) -> str:
    run = runtime().store.runs.run(run_id)
    assert run is not None
    return run.function_id


# What a run's item has room for.


def test_a_large_event_and_a_large_output_of_a_run_fit_beside_what_its_chain_knows(host: Host) -> None:
    """Positions of a hundred names, each with the longest id that a sender may give."""
    large, store = Random(1), runtime().store
    left_off = {f"{number:03}" + "n" * 125: Position(1, f"{number:03}" + "i" * 509) for number in range(100)}
    known = Inherited(leaves=Position(1), left_off=left_off, had=(), guards=Position(1))
    run = Run(
        id="7" * 26,
        function_id="account",
        event=Event("typed", {"text": large.randbytes(150_000).hex()}, id="e1"),
        received_at=host.cloud.clock.now(),
        started=host.cloud.clock.now(),
        chain=Chain(first="6" * 26, previous="6" * 26, number=2, inherited=known),
    )
    ended = replace(run, output=json.dumps(large.randbytes(150_000).hex()))
    assert store.runs.create(run)
    store.runs.save(ended)
    assert store.runs.run(run.id) == ended


@pytest.mark.parametrize(("start", "status"), [("1h", "cancelled"), ("5h", "finished")])
@pytest.mark.parametrize("gathers", [{"debounce": Debounce("10s")}, {"batch_events": Batch(5, "10s")}])
def test_the_time_to_start_of_a_gathered_run_counts_from_the_time_at_which_its_window_should_end(
    host: Host, gathers: dict[str, Any], start: str, status: str
) -> None:
    """Its start is a dead letter for three hours. A run that is not gathered counts from its event just so."""
    options = {"debounce": None, "timeouts": Timeouts(start=start), **gathers}
    deploy(shop(**options))
    host.send([typed(1), typed(2)])
    deploy(App("shop"))
    host.advance("3h")
    deploy(shop(**options))
    assert host.cloud.redrive("runs") == 1
    host.advance("1m")
    assert [run.status for run in host.runs("save")] == [status]
