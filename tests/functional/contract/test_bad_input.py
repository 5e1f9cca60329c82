"""What cannot be: each has a clear error, stops nothing else, and nothing is lost."""

import json
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tarry import App, Context, Event, EventError, TriggerEvent
from tarry_backend.events.address import run_id_of
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary

Handler = Callable[[Context], Awaitable[Any]]

START = TriggerEvent(event="placed")


async def give(value: Any) -> Any:
    return value


def waits(if_exp: str) -> Handler:
    async def wait(ctx: Context) -> None:
        await ctx.step.wait_for_event("payment", event="paid", if_exp=if_exp, timeout="1h")

    return wait


def times(timeout: Any) -> Handler:
    async def wait(ctx: Context) -> None:
        await ctx.step.wait_for_event("payment", event="paid", timeout=timeout)

    return wait


def steps(value: Any) -> Handler:
    async def step(ctx: Context) -> None:
        await ctx.step.run("count", give, value)

    return step


def returns(value: Any) -> Handler:
    async def function(ctx: Context) -> Any:
        return value

    return function


def sends(event: Event) -> Handler:
    async def send(ctx: Context) -> None:
        await ctx.step.send_event("tell", event)

    return send


BAD: dict[str, tuple[Handler, str, list[str]]] = {
    "an expression that does not compile": (
        waits("async.data.id === 1"),
        "ExpressionError",
        ["'payment'", "'async.data.id === 1'", "position 16"],
    ),
    "an unknown function": (waits("frob(async.data)"), "ExpressionError", ["'payment'", "frob", "position 0"]),
    "an expression that is not boolean": (
        waits("async.data.name"),
        "ExpressionError",
        ["'payment'", "'async.data.name'", "not a boolean", "position 0"],
    ),
    "x07 a field that the trigger lacks": (
        waits("async.data.id == event.data.missing"),
        "ExpressionError",
        ["'payment'", "event.data.missing", "position 17", "the event that started the run"],
    ),
    "a timeout of 400 days": (times("400d"), "DurationError", ["'payment'", "'400d'", "366 days"]),
    "a timeout of 3q": (times("3q"), "DurationError", ["'payment'", "'3q'", "such as '3d'"]),
    "a timeout without a zone": (times(datetime(2030, 1, 1)), "DurationError", ["'payment'", "no time zone"]),  # noqa: DTZ001
    "a timeout that is none": (times(None), "DurationError", ["'payment'", "None"]),
    "output that is a set": (steps({1, 2}), "OutputError", ["'count'", "set", "not JSON"]),
    "output that is bytes": (steps(b"a"), "OutputError", ["'count'", "bytes"]),
    "output with a time in it": (
        steps({"at": [datetime(2030, 1, 1, tzinfo=UTC)]}),
        "OutputError",
        ["'count'", "at[0]", "datetime"],
    ),
    "output that is a Decimal": (steps(Decimal("1")), "OutputError", ["'count'", "Decimal"]),
    "output that is NaN": (steps([math.nan]), "OutputError", ["'count'", "[0]", "nan"]),
    "output with keys that are no text": (steps({1: 2}), "OutputError", ["'count'", "key 1"]),
    "output of 5 MB": (steps("x" * 5_000_000), "LimitError", ["'count'", "5,000,002 bytes", "4,194,304"]),
    "a function's output that is a set": (returns({1}), "OutputError", ["the function's output", "set"]),
    "a function's output of 5 MB": (returns("x" * 5_000_000), "LimitError", ["the function's output", "5,000,002"]),
    "an event too large to send": (
        sends(Event("big", {"text": "x" * 1_100_000}, id="b1")),
        "EventError",
        ["'big' (b1)", "bytes", "the bus carries"],
    ),
    "an event whose data is no object": (sends(Event("list", [1])), "EventError", ["'list'", "JSON object"]),  # type: ignore[arg-type]
    "an event with a set in it": (sends(Event("set", {"a": {1}})), "EventError", ["'set'", "data.a", "not JSON"]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_fails_the_run_at_once_and_says_where(app: App, host: Host, name: str) -> None:
    handler, error_name, words = BAD[name]
    app.create_function(fn_id="order", trigger=START)(handler)
    host.send("placed", {"id": 1})
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.name == error_name
    assert [word for word in words if word not in run.error.message] == []
    assert host.cloud.next_moment is None, "an attempt is to follow"
    assert host.dead_letters == []
    [announced] = host.events("tarry/function.failed")
    assert announced.data["error"]["message"] == run.error.message


def envelope(**changes: Any) -> str:
    """An event as EventBridge writes it into the queue, with changes."""
    fields = {
        "version": "0",
        "id": "e1",
        "detail-type": "placed",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-01-05T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"id": 1},
    }
    return json.dumps(fields | changes)


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def sdk(**changes: Any) -> dict[str, Any]:
    """What makes an event one of the SDK's, with changes to its envelope."""
    return {"source": "tarry.shop", "detail": {"v": 1, "id": "x", "ts": 1, "data": {}} | changes}


NO_EVENTS = {
    "not JSON": "{",
    "nothing": " ",
    "a JSON list": "[]",
    "a JSON text": '"placed"',
    "no name": json.dumps({"detail": {}, "source": "shop", "id": "e1", "time": "2026-01-05T12:00:00Z"}),
    "a name that is none": envelope(**{"detail-type": 7}),
    "an integer of more digits than Python reads": envelope(detail={"n": "N"}).replace('"N"', "1" * 4_301),
    "detail that is a list": envelope(detail=[1]),
    "detail that is text": envelope(detail="{}"),
    "detail that is missing": envelope(detail=None),
    "a time that is none": envelope(time="yesterday"),
    "an id that is none": envelope(id=None),
    "an id that is too long": envelope(id="x" * 513),
    "nested past all measure": '{"detail":' + "[" * 100_000,
    "nested too deeply to be kept": envelope(detail={"a": deep(600)}),
    "data of the SDK that is a list": envelope(**sdk(data=[])),
    "an id of the SDK that is empty": envelope(**sdk(id="")),
    "a user of the SDK that is text": envelope(**sdk(user="u")),
    "a time of the SDK that is text": envelope(**sdk(ts="now")),
    "a time of the SDK that is a boolean": envelope(**sdk(ts=True)),
    "an unknown message": '{"tarry": "frobnicate"}',
    "a message that is no text": '{"tarry": []}',
    "a message for another queue": '{"tarry": "continue", "run_id": "r"}',
    "a message that lacks a field": '{"tarry": "marker", "run_id": "r"}',
}


def test_records_that_are_no_events_are_dead_letters_after_their_receives_and_their_neighbours_are_processed(
    app: App, cloud: Cloud, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> None:
        await ctx.step.run("note", diary.write, ctx.event.id)

    queue = cloud.queues["events"]
    with cloud.hold("events"):
        for number, body in enumerate(NO_EVENTS.values()):
            for record in (envelope(id=f"neighbour {number}"), body):
                cloud.clients.sqs.send_message(QueueUrl=queue.url, MessageBody=record)
    cloud.pump()
    neighbours = [f"neighbour {number}" for number in range(len(NO_EVENTS))]
    assert sorted(map(str, diary.entries)) == sorted(neighbours)
    host.advance("20m")
    letters = {letter.body: letter.receives for letter in cloud.dead_letters("events")}
    assert {name for name, body in NO_EVENTS.items() if letters.get(body) == queue.spec.max_receives} == set(NO_EVENTS)
    assert len(letters) == len(NO_EVENTS)
    assert sorted(map(str, diary.entries)) == sorted(neighbours)


ODD = {
    "nested fifty deep": {"a": deep(50)},
    "half a surrogate pair": {"text": "\ud83d"},
    "characters that no queue carries": {"text": "\x00\x01\ufffe\uffff"},
    "unicode": {"ключ": "значение ✓ 😀"},
    "large numbers": {"n": [9007199254740993, 10**30, -(10**4_299), 1e308, -0.0, 5e-324]},
    "odd keys": {"": 1, ".": 2, "a.b": 3, "#": 4, "$": 5, "__proto__": 6},
    "what looks like a message": {"tarry": "start", "v": 1},
    "nothing": {},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_data_comes_through_trigger_and_wait_as_it_was(app: App, host: Host, name: str) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event="paid", timeout="1h")
        return [ctx.event.data, event and event.data]

    for event_name in ("placed", "paid"):
        host.cloud.clients.sqs.send_message(
            QueueUrl=host.cloud.queues["events"].url,
            MessageBody=envelope(**{"detail-type": event_name, "detail": ODD[name], "id": event_name}),
        )
        host.cloud.pump()
    assert host.run().output == [ODD[name], ODD[name]]
    assert host.dead_letters == []


def test_a_start_of_an_unknown_function_is_a_dead_letter_and_its_runs_go_on_once_it_is_back(
    app: App, cloud: Cloud, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> str:
        event = await ctx.step.wait_for_event("wait", event="paid", timeout="30d")
        return "paid" if event else "unpaid"

    host.send("placed", {"n": 1})
    functions: dict[str, Any] = app.functions  # type: ignore[assignment]
    with cloud.hold("runs"):
        host.send("placed", {"n": 2})
        taken = functions.pop("order")

        @app.create_function(fn_id="other", trigger=TriggerEvent(event="other"))
        async def other(ctx: Context) -> str:
            return "done"

    host.send("paid")
    host.send("other")
    assert host.run("other").output == "done"
    host.advance("1d")
    assert {letter.json["tarry"] for letter in cloud.dead_letters("runs")} == {"start"}  # the other run is parked
    functions["order"] = taken
    cloud.redrive("runs")
    host.advance("20m")
    host.send("paid")
    assert [run.output for run in host.runs("order")] == ["paid", "paid"]


@pytest.mark.parametrize(
    "body", ["{", '{"tarry": "frobnicate"}', '{"tarry": "marker", "run_id": "r", "step_key": "s", "deadline": 1}']
)
@pytest.mark.parametrize("name", ["runs", "timers"])
def test_a_message_that_does_not_belong_into_its_queue_is_a_dead_letter(cloud: Cloud, name: str, body: str) -> None:
    queue = cloud.queues[name]
    fifo: Any = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if queue.spec.fifo else {}
    cloud.clients.sqs.send_message(QueueUrl=queue.url, MessageBody=body, **fifo)
    cloud.advance("3h")
    assert [letter.body for letter in queue.dead_letters] == [body]


def test_a_message_for_a_run_that_is_gone_is_dropped(cloud: Cloud, host: Host) -> None:
    queue = cloud.queues["runs"]
    run_id = run_id_of("shop", "order", "e1", "tarry.shop", "placed")
    cloud.clients.sqs.send_message(
        QueueUrl=queue.url,
        MessageBody=json.dumps({"tarry": "continue", "run_id": run_id}),
        MessageGroupId=run_id,
        MessageDeduplicationId="d",
    )
    cloud.pump()
    assert queue.messages == []
    assert host.dead_letters == []


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("expression", ["event.data.id ===", "event.data.id", "frob(event)"])
def test_a_trigger_that_cannot_be_read_holds_up_neither_other_functions_nor_waits(
    app: App, cloud: Cloud, host: Host, expression: str
) -> None:
    for fn_id, condition in (("before", None), ("broken", expression), ("after", "event.data.id == 1")):

        @app.create_function(fn_id=fn_id, trigger=TriggerEvent(event="placed", expression=condition))
        async def function(ctx: Context) -> str:
            event = await ctx.step.wait_for_event("wait", event="placed", timeout="1h")
            return event.id if event else "nothing"

    host.send([Event("placed", {"id": 1}, id="p1")])
    assert sorted(run.function_id for run in host.runs()) == ["after", "before"]
    host.send([Event("placed", {"id": 1}, id="p2")])
    assert [run.output for run in host.runs()[:2]] == ["p2", "p2"]
    host.advance("20m")
    assert {letter.json["detail"]["id"] for letter in cloud.dead_letters("events")} == {"p1", "p2"}


def test_the_values_that_all_alternatives_take_over_from_the_trigger_are_bounded_together(app: App, host: Host) -> None:
    """Each of the alternatives stands in the wait's one item, which DynamoDB bounds."""
    listed = " || ".join(f"(async.data.n == {number} && async.data.id in event.data.ids)" for number in range(8))
    app.create_function(fn_id="order", trigger=START)(waits(listed))
    host.send("placed", {"ids": [f"{number:058d}" for number in range(1_000)]})
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.name == "LimitError"
    assert "'payment'" in run.error.message
    assert "64,000 characters" in run.error.message


def test_a_name_is_checked_where_it_is_given() -> None:
    with pytest.raises(EventError, match="128"):
        TriggerEvent(event="x" * 129)
