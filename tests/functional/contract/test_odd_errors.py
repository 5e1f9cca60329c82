"""Rows R16 to R19 and E9 on the whole cloud: a run that fails oddly ends as any other, and whoever waits is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Context, Event, RetryAfterError, StepError, TriggerEvent
from tarry.function import FAILED
from tarry_dev.cloud import Host
from tests.functional.contract.test_bad_input import deep, envelope, sdk
from tests.functional.contract.traces import in_indexes
from tests.unit.replay.odd_errors import ODD

PLACED = TriggerEvent(event="placed")


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_r16_a_failure_is_recorded_its_on_failure_runs_and_its_invoker_is_told(
    app: App, host: Host, odd: Callable[[], BaseException]
) -> None:
    calls: list[int] = []

    async def sorry(ctx: Context) -> Any:
        return ctx.event.data["error"]["name"]

    @app.create_function(fn_id="pay", trigger=TriggerEvent(event="pay"), retries=1, backoff=["1s"], on_failure=sorry)
    async def pay(ctx: Context) -> None:
        await ctx.step.run("charge", charge)

    def charge() -> None:
        calls.append(1)
        raise odd()

    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        try:
            await ctx.step.invoke("pay", function=pay)
        except StepError as error:
            return error.name
        return "paid"

    host.send("placed")
    host.advance("5m")
    paid = host.run("pay")
    assert (paid.status, calls) == ("failed", [1, 1])
    assert paid.error is not None
    assert host.run("order").output == paid.error.name
    assert host.run("pay-failure").output == paid.error.name
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_r16_a_function_whose_error_has_no_text_is_tried_again_and_then_failed(app: App, host: Host) -> None:
    calls: list[int] = []

    @app.create_function(fn_id="order", trigger=PLACED, retries=2, backoff=["1s"])
    async def order(ctx: Context) -> None:
        calls.append(1)
        raise ODD["a text that raises"]()

    host.send("placed")
    host.advance("5m")
    assert (host.run().status, len(calls), host.dead_letters) == ("failed", 3, [])
    assert len(host.events(FAILED)) == 1


def test_r17_a_function_is_tried_again_at_the_time_that_an_error_in_a_group_names(app: App, host: Host) -> None:
    times: list[int] = []

    @app.create_function(fn_id="order", trigger=PLACED, backoff=["1s"])
    async def order(ctx: Context) -> None:
        times.append(host.cloud.clock.now())
        raise ExceptionGroup("group", [OSError("one"), ExceptionGroup("in", [RetryAfterError("busy", 7200)])])

    host.send("placed")
    host.advance("3h")
    first, second = times
    assert 7_200_000 <= second - first <= 7_203_000


class OwnError(BaseException):
    """What is no ``Exception``."""


@pytest.mark.parametrize(
    "error", [OwnError(), BaseExceptionGroup("group", [OwnError()]), KeyboardInterrupt()], ids=repr
)
@pytest.mark.parametrize("in_step", [False, True], ids=["in the function", "in a step"])
def test_r18_what_is_no_exception_fails_its_run_and_no_executor_dies(
    app: App, host: Host, error: BaseException, in_step: bool
) -> None:
    def body() -> None:
        raise error

    @app.create_function(fn_id="order", trigger=PLACED, retries=1, backoff=["1s"])
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", body) if in_step else body()

    died: list[BaseException | None] = []
    host.cloud.observe(lambda delivery: died.append(delivery.error))
    host.send("placed")
    host.advance("5m")
    run = host.run()
    assert run.error is not None
    assert (run.status, run.error.name, set(died)) == ("failed", type(error).__name__, {None})


def test_r19_a_step_inside_a_step_fails_its_run_although_the_body_catches_the_error(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        async def body() -> str:
            try:
                return await ctx.step.run("inner", lambda: "inner")
            except Exception:
                return "swallowed"

        return await ctx.step.run("outer", body)

    host.send("placed")
    run = host.run()
    assert run.error is not None
    assert (run.status, run.error.name, run.steps["outer"].status) == ("failed", "StepCallError", "failed")
    assert "step 'inner' was called inside step 'outer'" in run.error.message
    assert len(host.events(FAILED)) == 1


FOREIGN: dict[str, str] = {
    "1e400": envelope(detail={"n": "?"}).replace('"?"', "1e400"),
    "half a surrogate pair": envelope(detail={"text": "\ud83d"}),
    "nested 198 deep": envelope(detail={"a": deep(197)}),
    "nested 200 deep": envelope(detail={"a": deep(199)}),
}


@pytest.mark.parametrize("fails", [False, True], ids=["finished", "failed"])
@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
def test_e9_the_end_of_a_run_is_announced_whatever_event_has_started_it(
    app: App, host: Host, body: str, fails: bool
) -> None:
    async def sorry(ctx: Context) -> Any:
        return ctx.event.data["error"]["message"]

    @app.create_function(fn_id="order", trigger=PLACED, retries=0, on_failure=sorry)
    async def order(ctx: Context) -> Any:
        if fails:
            raise ValueError("no stock")
        return ctx.event.data.get("text", 1)

    host.cloud.clients.sqs.send_message(QueueUrl=host.cloud.queues["events"].url, MessageBody=body)
    host.cloud.pump()
    host.advance("10m")
    assert host.run("order").status == ("failed" if fails else "finished")
    [announced] = host.events(FAILED if fails else "tarry/function.finished")[:1]
    assert ("event" in announced.data) != ("event" in announced.data.get("left_out", {}))
    assert [run.output for run in host.runs("order-failure")] == ["no stock"] * fails
    assert host.dead_letters == []


REFUSED: dict[str, str] = {
    **{f"nested {levels} deep": envelope(detail={"a": deep(levels)}) for levels in (200, 467, 486)},
    "a user nested 486 deep": envelope(**sdk(user={"a": deep(486)})),
    "an id with half a surrogate pair": envelope(id="x\ud800"),
    "a name with half a surrogate pair": envelope(**{"detail-type": "placed\ud800"}),
    "a source with half a surrogate pair": envelope(source="shop\ud800"),
    "a time of 10**17": envelope(**sdk(ts=10**17)),
    "a name of 129 characters": envelope(**{"detail-type": "x" * 129}),
    "a name that is empty": envelope(**{"detail-type": ""}),
    "a source of 257 characters": envelope(source="x" * 257),
    "a time before the year 1": envelope(time="0001-01-01T00:00:00+14:00"),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_e9_an_event_that_not_every_lambda_could_write_is_refused_at_the_door_and_its_neighbour_is_processed(
    app: App, host: Host, body: str
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return "shipped"

    url = host.cloud.queues["events"].url
    for record in (body, envelope(id="neighbour")):
        host.cloud.clients.sqs.send_message(QueueUrl=url, MessageBody=record)
    host.cloud.pump()
    host.advance("30m")
    assert [run.event.id for run in host.runs()] == ["neighbour"]
    assert [letter.body for letter in host.dead_letters] == [body]


def test_e9_an_event_that_json_can_just_read_and_python_cannot_write_stops_no_neighbour(app: App, host: Host) -> None:
    """At some depth json reads the event, and ``str`` of it fails. Each depth about there has its turn."""

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return "shipped"

    depths = range(700, 1_000, 3)
    bodies = [envelope(detail={"a": deep(1)}).replace("[1]", "[" * levels + "]" * levels) for levels in depths]
    with host.cloud.hold("events"):
        for number, body in enumerate(bodies):
            for record in (body, envelope(id=f"neighbour {number}")):
                host.cloud.clients.sqs.send_message(QueueUrl=host.cloud.queues["events"].url, MessageBody=record)
    died: list[BaseException | None] = []
    host.cloud.observe(lambda delivery: died.append(delivery.error))
    host.cloud.pump()
    assert set(died) == {None}
    assert len(host.runs()) == len(bodies)


def test_e9_duplicate_keys_are_taken_and_the_last_one_counts_everywhere(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed", expression="event.data.id == 2"))
    async def order(ctx: Context) -> Any:
        return ctx.event.data

    body = envelope(detail="?").replace('"?"', '{"id": 1, "id": 2}')
    host.cloud.clients.sqs.send_message(QueueUrl=host.cloud.queues["events"].url, MessageBody=body)
    host.cloud.pump()
    assert host.run().output == {"id": 2}
    [announced] = host.events("tarry/function.finished")
    assert announced.data["event"]["data"] == {"id": 2}


def nested_values(levels: int) -> dict[str, Any]:
    return {"list": deep(levels), "object": json.loads('{"a":' * levels + "1" + "}" * levels)}


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("levels", [200, 201, 300, 419, 470, 486, 900])
def test_e9_an_output_that_not_every_reader_could_read_fails_the_step_and_one_within_the_limit_comes_back(
    app: App, host: Host, levels: int, kind: str
) -> None:
    value = nested_values(levels)[kind]

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> bool:
        got = await ctx.step.run("make", lambda: value)
        await ctx.step.sleep("rest", "1m")
        return bool(got == value)

    host.send("placed")
    host.advance("2m")
    run = host.run()
    if levels <= 200:
        assert run.output is True
        return
    assert run.error is not None
    assert (run.status, run.error.name) == ("failed", "OutputError")
    assert "step 'make': its output is nested" in run.error.message
    assert len(host.events(FAILED)) == 1


CARRIED: dict[str, Any] = {
    "infinity": json.loads("1e400"),
    "half a surrogate pair": "\ud83d",
    "nested too deep": deep(250),
    "too large": "x" * 1_100_000,
}


@pytest.mark.parametrize("value", CARRIED.values(), ids=CARRIED)
def test_e9_what_the_bus_cannot_carry_fails_the_step_that_sends_it_and_names_it(
    app: App, host: Host, value: Any
) -> None:
    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="pack"))
    async def pack(ctx: Context) -> None: ...

    @app.create_function(fn_id="invokes", trigger=PLACED)
    async def invokes(ctx: Context) -> None:
        await ctx.step.invoke("tell", function=pack, data={"a": value})

    @app.create_function(fn_id="sends", trigger=PLACED)
    async def sends(ctx: Context) -> None:
        await ctx.step.send_event("tell", Event("sent", {"a": value}))

    host.send("placed")
    errors = [host.run(name).error for name in ("invokes", "sends")]
    assert [error and error.name for error in errors] == ["EventError"] * 2
    assert [run.status for run in host.runs()] == ["failed", "failed"]
    assert "step 'tell'" in (errors[0].message if errors[0] else "")
    assert len(host.events(FAILED)) == 2


def test_e9_a_result_that_the_bus_cannot_carry_reaches_its_invoker_all_the_same(app: App, host: Host) -> None:
    result = {"text": "\ud83d", "deep": deep(199), "large": "x" * 1_100_000}

    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="pack"))
    async def pack(ctx: Context) -> Any:
        return result

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> bool:
        return bool(await ctx.step.invoke("pack", function=pack) == result)

    host.send("placed")
    assert host.run("order").output is True
    announced = {event.data["function_id"]: event.data for event in host.events("tarry/function.finished")}
    assert announced.keys() == {"pack", "order"}
    assert ("result" in announced["pack"], announced["pack"]["left_out"].keys()) == (False, {"result"})
