"""Who may do what: internal events count from the app's own source alone, and nobody takes an id in advance."""

import json
from typing import Any

import pytest

from tarry import App, Cancel, Context, Event, EventError, TriggerCron, TriggerEvent
from tarry._wire.internal_events import CANCEL_RUN, RETRY_RUN
from tarry.event import RESERVED
from tarry.function import FAILED, INVOKED
from tarry_backend.events.address import ADDRESS, SCHEDULED
from tarry_backend.events.schedules import Schedule
from tarry_backend.replay.step_request import event_id_of
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.test_identity import put

PLACED = TriggerEvent("placed")
DAILY = TriggerCron("0 9 * * *")
FINISHED, CANCELLED = "tarry/function.finished", "tarry/function.cancelled"
ENDS = (FINISHED, FAILED, CANCELLED)


def forge(host: Host, name: str, source: str, data: dict[str, Any], event_id: str = "forged") -> None:
    """Put it as somebody does who may put events under that source: with an id of their choice where there is one."""
    detail: dict[str, Any] = {"v": 1, "id": event_id, "data": data} if source.startswith("tarry.") else data
    host.put_events({"Source": source, "DetailType": name, "Detail": json.dumps(detail)})


@pytest.fixture(params=["shop", "tarry.depot", "tarry.Shop"])
def source(request: pytest.FixtureRequest) -> str:
    """A source that is not the app's own."""
    chosen: str = request.param
    return chosen


@pytest.mark.parametrize("name", [INVOKED, SCHEDULED])
def test_e8_an_invocation_or_a_timer_from_another_source_starts_nothing(
    app: App, host: Host, source: str, name: str
) -> None:
    @app.create_function(fn_id="pack", trigger=[DAILY, TriggerEvent("*"), TriggerEvent("tarry/*")])
    async def pack(ctx: Context) -> None: ...

    forge(host, name, source, {ADDRESS: {"function_id": "pack"}, "scheduled_for": "2026-01-05T09:00:00Z"})
    assert (host.runs(), host.dead_letters) == ([], [])
    assert [event.source for event in host.events(name)] == [source]  # it is an event like any other: it is logged


def test_e8_a_cancel_from_another_source_cancels_nothing(app: App, host: Host, source: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")

    host.send("placed")
    forge(host, CANCEL_RUN, source, {"run_id": host.run().id})
    assert host.run().status == "running"


@pytest.mark.parametrize(
    ("name", "trigger"), [(FINISHED, FINISHED), (FAILED, "tarry/function.*"), (CANCELLED, "tarry/*")]
)
def test_e8_an_end_of_a_run_from_another_source_starts_no_function_that_listens_for_the_apps_own(
    app: App, host: Host, source: str, name: str, trigger: str
) -> None:
    @app.create_function(fn_id="listener", trigger=TriggerEvent(trigger, "event.data.run_id == 'r'"))
    async def listener(ctx: Context) -> None: ...

    forge(host, name, source, {"function_id": "order", "run_id": "r"})
    assert host.runs() == []


@pytest.mark.parametrize(
    ("name", "expression"),
    [(FINISHED, None), (FAILED, "async.data.function_id == 'pack'"), (CANCELLED, "async.data.n > 0")],
)
def test_e8_an_end_of_a_run_from_another_source_ends_no_wait_for_the_apps_own(
    app: App, host: Host, source: str, name: str, expression: str | None
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[Any]:
        ends = [
            await ctx.step.wait_for_event("end", event=name, if_exp=expression, timeout="1h", lookback="1h")
            for _ in range(2)
        ]
        return [end and end.source for end in ends]

    data = {"function_id": "pack", "n": 1}
    forge(host, name, source, data, "before")
    host.send("placed")
    forge(host, name, source, data, "after")
    assert host.run().steps["end"].status == "waiting"
    forge(host, name, "tarry.shop", data, "own")
    host.advance("2h")
    assert host.run("order").output == ["tarry.shop", None]


def test_e8_an_end_of_a_run_from_another_source_cancels_no_run(app: App, host: Host, source: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, cancel=Cancel(FAILED))
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")

    host.send("placed")
    forge(host, FAILED, source, {})
    assert host.run().status == "running"
    forge(host, FAILED, "tarry.shop", {}, "own")
    assert host.run().status == "cancelled"


def test_a_wait_or_a_trigger_whose_expression_reads_the_source_decides_by_it(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        end = await ctx.step.wait_for_event(
            "end", event=FINISHED, if_exp="async.source == 'tarry.depot'", timeout="1h", lookback="1h"
        )
        return end and end.source

    @app.create_function(fn_id="listener", trigger=TriggerEvent(FINISHED, "event['source'] == 'tarry.depot'"))
    async def listener(ctx: Context) -> None: ...

    host.send("placed")
    forge(host, FINISHED, "tarry.shop", {}, "own")
    assert (host.run("order").status, host.runs("listener")) == ("running", [])
    forge(host, FINISHED, "tarry.depot", {})
    assert (host.run("order").output, host.run("listener").event.source) == ("tarry.depot", "tarry.depot")


@pytest.mark.parametrize(
    "condition",
    [{"where": {"data.run": "7"}}, {"if_exp": "async.data.run == run", "bind": {"run": "7"}}],
    ids=["where", "bind"],
)
def test_e8_a_wait_with_values_of_the_run_sees_internal_events_of_the_own_source_alone(
    app: App, host: Host, source: str, condition: dict[str, Any]
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        end = await ctx.step.wait_for_event("end", event=FINISHED, timeout="1h", **condition)
        return end and end.source

    host.send("placed")
    forge(host, FINISHED, source, {"run": "7"})
    assert host.run("order").status == "running"
    forge(host, FINISHED, "tarry.shop", {"run": "7"}, "own")
    assert host.run("order").output == "tarry.shop"


@pytest.mark.parametrize(
    "condition",
    [
        {"where": {"source": "tarry.depot"}},
        {"if_exp": "async.source == source", "bind": {"source": "tarry.depot"}},
    ],
    ids=["where", "bind"],
)
def test_a_wait_whose_values_are_compared_with_the_source_decides_by_it(
    app: App, host: Host, condition: dict[str, Any]
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        end = await ctx.step.wait_for_event("end", event=FINISHED, timeout="1h", **condition)
        return end and end.source

    host.send("placed")
    forge(host, FINISHED, "tarry.shop", {}, "own")
    assert host.run("order").status == "running"
    forge(host, FINISHED, "tarry.depot", {})
    assert host.run("order").output == "tarry.depot"


def test_a_wrong_expression_of_a_wait_for_an_internal_event_is_an_error_as_it_was_written(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("end", event=FINISHED, if_exp="true) || (true", timeout="1h")

    host.send("placed")
    error = host.run().error
    assert error is not None
    assert ("true) || (true" in error.message, "tarry.shop" in error.message) == (True, False)


def test_what_is_called_an_invocation_by_another_source_has_its_data_as_they_came(app: App, host: Host) -> None:
    """The address is taken out of the data of the app's own invocations alone."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(INVOKED, "event.source == 'tarry.depot'"))
    async def order(ctx: Context) -> list[str]:
        return sorted(ctx.data)

    forge(host, INVOKED, "tarry.depot", {ADDRESS: {"function_id": "order"}})
    assert host.run().output == [ADDRESS]


def test_nobody_takes_the_id_of_an_invocation_in_advance(app: App, host: Host) -> None:
    @app.create_function(fn_id="pack", trigger=TriggerEvent("*"))
    async def pack(ctx: Context) -> Any:
        return ctx.event.data["by"]

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        await ctx.step.sleep("rest", "1h")
        return await ctx.step.invoke("pack", function=pack, data={"by": "order"}, timeout="1h")

    host.send([Event("placed", {"by": "sender"})])
    known = event_id_of(host.run("order").id, "pack", 0)
    forge(host, "anything", "tarry.depot", {"by": "forger"}, known)
    forge(host, "anything", "tarry.shop", {"by": "forger"}, known)
    host.advance("3h")
    assert host.run("order").output == "order"


def test_nobody_takes_the_id_of_an_event_that_a_step_sends_in_advance(app: App, host: Host, source: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        await ctx.step.send_event("ask", Event("asked", {"by": "order"}))

    @app.create_function(fn_id="answer", trigger=TriggerEvent("asked"))
    async def answer(ctx: Context) -> Any:
        return ctx.event.data["by"]

    host.send("placed")
    forge(host, "asked", source, {"by": "forger"}, event_id_of(host.run("order").id, "ask", 0))
    host.advance("2h")
    assert [run.output for run in host.runs("answer")] == ["forger", "order"]


def test_nobody_takes_the_id_of_a_failure_in_advance(app: App, host: Host, diary: Diary) -> None:
    async def sorry(ctx: Context) -> None:
        await diary.write("sorry")

    @app.create_function(fn_id="order", trigger=PLACED, retries=0, on_failure=sorry)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        raise ValueError

    host.send("placed")
    run_id = host.run("order").id
    forge(host, FAILED, "tarry.depot", {"function_id": "order", "run_id": run_id}, f"{run_id}-failed")
    assert diary.entries == []
    host.advance("2h")
    assert diary.entries == ["sorry"]


@pytest.mark.parametrize(
    ("name", "sender"), [(SCHEDULED, "tarry.depot"), ("tick", "tarry.depot"), ("tick", "tarry.shop")]
)
def test_nobody_takes_the_id_of_a_crons_time_in_advance(app: App, host: Host, name: str, sender: str) -> None:
    @app.create_function(fn_id="report", trigger=[DAILY, TriggerEvent("*")])
    async def report(ctx: Context) -> str:
        return ctx.event.name

    detail = Schedule("report", 0, DAILY).detail("2026-01-06T09:00:00Z")
    forge(host, name, sender, {}, detail["id"])
    host.advance("1d")
    assert [run.output for run in host.runs()][-1] == SCHEDULED


def test_a_timer_before_its_time_is_a_dead_letter_and_does_not_keep_the_true_one_out(app: App, host: Host) -> None:
    """By whomever it was put: the Scheduler is never early."""

    @app.create_function(fn_id="report", trigger=DAILY)
    async def report(ctx: Context) -> str:
        return str(ctx.event.data["scheduled_for"])

    detail = Schedule("report", 0, DAILY).detail("2026-01-06T09:00:00Z")
    host.put_events({"Source": "tarry.shop", "DetailType": SCHEDULED, "Detail": json.dumps(detail)})
    assert host.runs() == []
    host.advance("1d")
    assert [run.output for run in host.runs()] == ["2026-01-06T09:00:00Z"]
    assert [json.loads(letter.body)["detail"] for letter in host.dead_letters] == [detail]
    host.cloud.redrive("events")  # it was early when it first came
    host.advance("1h")
    assert len(host.runs()) == 1


@pytest.mark.parametrize("name", [*ENDS, INVOKED, SCHEDULED, CANCEL_RUN, RETRY_RUN, RESERVED, f"{RESERVED}mine"])
def test_the_app_and_its_steps_send_no_event_with_a_reserved_name(app: App, host: Host, name: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> None:
        await ctx.step.send_event("forge", Event(name, {"run_id": ctx.run_id}))

    with pytest.raises(EventError, match="names that begin with 'tarry/' are Tarry's own"):
        app.send_sync([Event("fine"), Event(name)])
    assert host.events() == []  # the other one neither
    host.send("placed")
    assert host.run().status == "failed"
    assert name not in {event.name for event in host.events()} - {FAILED}


def test_w28_what_two_sources_and_names_make_is_told_apart_by_all_of_it(app: App, host: Host) -> None:
    """``a``, newline, ``b`` and ``c`` are not ``a`` and ``b``, newline, ``c``."""

    @app.create_function(fn_id="order", trigger=TriggerEvent("*"))
    async def order(ctx: Context) -> list[str]:
        return [ctx.event.source, ctx.event.name]

    put(host, "b\nc", "tarry.a")
    put(host, "c", "tarry.a\nb")
    assert [run.output for run in host.runs()] == [["tarry.a", "b\nc"], ["tarry.a\nb", "c"]]
