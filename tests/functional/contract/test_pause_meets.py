"""A pause, a resume and a changed deployment meet the other options and what people do: nothing is lost."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tarry import (
    App,
    Batch,
    Concurrency,
    Context,
    Debounce,
    Event,
    RateLimit,
    Singleton,
    StepError,
    Throttle,
    Timeouts,
    TriggerEvent,
)
from tarry_backend.clock import now
from tarry_backend.matching.gate_keys import pause_gate
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host

PLACED = TriggerEvent(event="placed")

OPTIONS: dict[str, dict[str, Any]] = {
    "throttle": {"throttle": Throttle(1, "10s")},
    "rate_limit": {"rate_limit": RateLimit(100, "1h")},
    "debounce": {"debounce": Debounce("10s", key="event.data.n")},
    "batch": {"batch_events": Batch(2, "10s")},
    "singleton": {"singleton": Singleton("cancel", key="event.data.n")},
    "concurrency": {"concurrency": Concurrency(1, key="event.data.n")},
    "hold": {"concurrency": Concurrency(1, hold="run")},
    "keyless": {"concurrency": Concurrency(1, key="event.data.missing")},
    "idempotency": {"idempotency": "event.data.n"},
}


def shop(**options: Any) -> App:
    app = App("shop")

    @app.create_function(fn_id="ship", trigger=PLACED, **{"pausable": True, **options})
    async def ship(ctx: Context) -> int:
        await ctx.step.sleep("rest", "5s")
        return len(ctx.events)

    return app


def placed(*numbers: int) -> list[Event]:
    return [Event("placed", {"n": number}, id=f"o-{number}") for number in numbers]


def lines(host: Host) -> list[str]:
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return [item["pk"]["S"] for item in scanned if item["pk"]["S"].startswith("line#")]


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_beside_a_pause_loses_no_event(host: Host, name: str) -> None:
    deploy(shop(**OPTIONS[name]))
    host.send(placed(0, 1))
    host.pause("ship")
    host.advance("11s")
    host.send(placed(2, 3))
    host.advance("1h")
    assert not [run for run in host.runs("ship") if run.status == "finished" and run.event.id in ("o-2", "o-3")]
    host.resume("ship")
    host.advance("1h")
    assert Counter(run.status for run in host.runs("ship")) == {"finished": 2 if name == "batch" else 4}
    assert not lines(host)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_is_taken_away_under_waiting_runs_starts_them_all(host: Host, name: str) -> None:
    deploy(shop(**OPTIONS[name]))
    host.pause("ship")
    host.advance("11s")
    host.send(placed(0, 1, 2, 3))
    host.advance("1m")
    deploy(shop(pausable=False))
    host.advance("1h")
    assert Counter(run.status for run in host.runs("ship")) == {"finished": 2 if name == "batch" else 4}
    assert not lines(host)


def test_a_run_that_is_cancelled_retried_or_rerun_in_a_pause_waits_as_the_others(app: App, host: Host) -> None:
    fails = [True]

    @app.create_function(fn_id="ship", trigger=PLACED, pausable=True, retries=0)
    async def ship(ctx: Context) -> str:
        if fails[0]:
            raise ValueError("out of stock")
        return "shipped"

    host.send(placed(0, 1))
    fails[0] = False
    host.pause("ship")
    host.advance("11s")
    first, second = host.runs("ship")
    host.retry(first)
    new = host.rerun(second)
    host.advance("1h")
    assert sorted(run.status for run in host.runs("ship")) == ["failed", "running", "running"]
    host.cancel(new)
    assert sorted(run.status for run in host.runs("ship")) == ["cancelled", "failed", "running"]
    host.resume("ship")
    host.advance("1m")
    assert sorted(run.status for run in host.runs("ship")) == ["cancelled", "failed", "finished"]
    assert not lines(host)


def test_a_run_that_fails_in_a_pause_by_its_time_to_finish_leaves_the_line(host: Host) -> None:
    deploy(shop(timeouts=Timeouts(finish="30m")))
    host.send(placed(0))
    host.pause("ship")
    host.advance("2h")
    assert [run.status for run in host.runs("ship")] == ["cancelled"]
    assert not lines(host)


def test_an_invoker_of_a_paused_function_waits_and_gets_its_answer(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", pausable=True)
    async def ship(ctx: Context) -> str:
        return "shipped"

    @app.create_function(fn_id="ask", trigger=PLACED)
    async def asks(ctx: Context) -> Any:
        try:
            await ctx.step.invoke("soon", function=ship, data={}, timeout="10m")
        except StepError as error:
            return [error.name, await ctx.step.invoke("later", function=ship, data={})]

    host.pause("ship")
    host.advance("11s")
    host.send(placed(0))
    host.advance("1h")
    assert host.run("ask").status == "running"
    host.resume("ship")
    host.advance("1m")
    assert host.run("ask").status == "finished"
    assert host.run("ask").output[1] == "shipped"


def test_a_run_that_continues_as_new_stops_between_two_generations_of_a_pause(app: App, host: Host) -> None:
    @app.create_function(fn_id="loop", trigger=PLACED, pausable=True)
    async def loop(ctx: Context) -> object:
        await ctx.step.sleep("rest", "1m")
        return await ctx.continue_as_new({"n": ctx.event.data["n"] + 1}) if ctx.event.data["n"] < 5 else "end"

    host.send(placed(0))
    host.advance("2m")
    host.pause("loop")
    host.advance("1h")
    assert len(host.runs("loop")) < 5
    host.resume("loop")
    host.advance("1h")
    assert host.runs("loop")[-1].output == "end"
    assert len(host.runs("loop")) == 6


@pytest.mark.parametrize("value", ["x" * 2_000, "日本\u0000\U0001f600", None, {"a": [1, None]}, "", "a#b#c"])
def test_keys_of_any_form_have_a_line_each_and_all_runs_of_a_pause_go_on(app: App, host: Host, value: Any) -> None:
    options: dict[str, Any] = {
        "throttle": Throttle(1, "10s", key="event.data.n"),
        "concurrency": Concurrency(1, key="event.data.n"),
    }
    begun: list[int] = []

    @app.create_function(fn_id="ship", trigger=PLACED, **options)
    async def ship(ctx: Context) -> None:
        begun.append(now())

    host.pause("ship")
    host.advance("11s")
    for number in range(3):
        host.send([Event("placed", {"n": value}, id=f"o-{number}")])
    host.resume("ship")
    host.advance("10m")
    assert [run.status for run in host.runs("ship")] == ["finished"] * 3
    assert not lines(host)
    assert len(begun) == 3
    assert all(later >= first for first, later in pairwise(begun))


def test_two_deployments_under_way_with_other_limits_start_and_end_every_run(host: Host) -> None:
    old = shop(concurrency=Concurrency(1, key="event.data.n"))
    new = shop(concurrency=Concurrency(2), throttle=Throttle(2, "1s"))
    for number in range(12):
        deploy(old if number % 2 else new)
        host.send(placed(number))
        if number == 4:
            host.pause("ship")
        if number == 8:
            host.resume("ship")
        host.advance("3s")
    deploy(new)
    host.advance("1h")
    assert Counter(run.status for run in host.runs("ship")) == {"finished": 12}
    assert not lines(host)
    assert not runtime().store.gates.line(pause_gate("ship"), 1)
