"""``idempotency`` beside all else: late messages, the same event again, deaths, schedules, invocations, mending."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tarry import App, Context, ContextSync, Event, TriggerCron, TriggerEvent
from tarry_backend.telemetry import meter
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes
from tests.functional.contract.wire import Ask, Json, tamper

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
PLACED = TriggerEvent("placed")
BY_ORDER = "event.data.orderId"

Add = Callable[[App], None]


def add_async(app: App, idempotency: str = BY_ORDER, fn_id: str = "order") -> None:
    @app.create_function(fn_id=fn_id, trigger=PLACED, idempotency=idempotency)
    async def order(ctx: Context) -> str:
        return ctx.event.id


def add_sync(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, idempotency=BY_ORDER)
    def order(ctx: ContextSync) -> str:
        return ctx.event.id


def placed(event_id: str, order_id: Any = "7") -> Event:
    return Event("placed", {"orderId": order_id}, id=event_id)


def started(host: Host, fn_id: str = "order") -> list[str]:
    assert host.dead_letters == []
    return [run.event.id for run in host.runs(fn_id)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the Lambdas count."""
    names: list[str] = []
    monkeypatch.setattr(meter, "count", lambda name, by=1: names.extend([name] * by))
    return names


@pytest.mark.parametrize("add", [add_async, add_sync], ids=lambda add: add.__name__)
def test_of_two_events_with_the_same_value_one_starts_a_run(app: App, host: Host, counted: list[str], add: Add) -> None:
    add(app)
    host.send([placed("a")])
    host.send([placed("b")])
    host.advance("1h")
    assert started(host) == ["a"]
    assert (counted.count("Started"), counted.count("Duplicates")) == (1, 1)


def test_of_events_that_come_together_one_starts_a_run(app: App, host: Host) -> None:
    add_async(app)
    host.send([placed(f"e{number}") for number in range(10)])
    host.advance("1h")
    assert len(started(host)) == 1


def test_the_day_holds_though_time_to_live_removes_what_it_may(app: App, host: Host) -> None:
    add_async(app)
    host.send([placed("first")])
    host.advance(DAY - SECOND)
    host.cloud.expire()
    host.send([placed("within the day")])
    assert started(host) == ["first"]


def test_time_to_live_removes_the_claim_in_the_end(app: App, host: Host) -> None:
    add_async(app)
    host.send([placed("first")])
    host.advance("16d")
    assert len(claims(host.cloud)) == 1
    host.cloud.expire()
    assert claims(host.cloud) == []


def claims(cloud: Cloud) -> list[str]:
    [table] = cloud.clients.dynamodb.list_tables()["TableNames"]
    places = [item["pk"]["S"] for item in cloud.clients.dynamodb.scan(TableName=table)["Items"]]
    return [place for place in places if place.startswith("once#")]


async def _nothing(ctx: Context) -> None:
    """Returns at once."""


def test_an_expression_may_make_its_value_of_several_fields(app: App, host: Host) -> None:
    add_async(app, "event.name + '/' + event.data.orderId")
    host.send([placed("a", "7"), placed("b", "8")])
    host.send([placed("c", "7")])
    assert sorted(started(host)) == ["a", "b"]


def test_the_same_event_twice_is_one_run_also_a_day_later(app: App, host: Host, counted: list[str]) -> None:
    add_async(app)
    host.send([placed("a")])
    host.advance("10m")  # from here on the queue does not drop a second one by itself
    host.send([placed("a")])
    host.advance(DAY)
    host.send([placed("a")])
    assert (started(host), counted.count("Started"), counted.count("Duplicates")) == (["a"], 1, 0)


@pytest.mark.parametrize("data", [{}, {"orderId": "7"}], ids=["missing", "not of a type that JSON has"])
def test_an_event_that_the_expression_fails_for_starts_a_run_of_its_own(
    app: App, host: Host, counted: list[str], data: dict[str, str]
) -> None:
    add_async(app, "bytes(event.data.orderId)")
    for event_id in ("a", "b"):
        host.send([Event("placed", data, id=event_id)])
    assert (started(host), counted.count("MatchErrors")) == (["a", "b"], 2)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("expression", ["event.data.orderId ===", "async.data.orderId", "frob(event)"])
def test_an_expression_that_cannot_be_read_starts_nothing_until_it_is_mended(
    app: App, host: Host, cloud: Cloud, expression: str
) -> None:
    add_async(app, expression)
    app.create_function(fn_id="other", trigger=PLACED)(_nothing)
    host.send([placed("a"), placed("b")])
    host.advance("30m")
    assert {letter.json["detail"]["id"] for letter in cloud.dead_letters("events")} == {"a", "b"}
    assert ([run.id for run in host.runs("order")], len(host.runs("other"))) == ([], 2)
    app.functions.pop("order")  # type: ignore[attr-defined]
    add_async(app)
    assert cloud.redrive("events") == 2
    cloud.pump()
    assert len(started(host)) == 1


def test_a_schedule_starts_the_function_each_time(app: App, host: Host) -> None:
    app.create_function(fn_id="order", trigger=[PLACED, TriggerCron("0 9 * * *")], idempotency="'one'")(_nothing)
    host.send([placed("a")])
    host.advance("2d")
    assert len(started(host)) == 3


def test_an_invocation_starts_the_function_each_time(app: App, host: Host) -> None:
    function = app.create_function(fn_id="order", trigger=PLACED, idempotency="'one'")(_nothing)

    @app.create_function(fn_id="caller", trigger=TriggerEvent("called"))
    async def caller(ctx: Context) -> None:
        for number in ("first", "second"):
            await ctx.step.invoke(number, function=function)

    host.send("called")
    assert (host.run("caller").status, len(started(host))) == ("finished", 2)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_that_another_has_cancelled_decides_nothing(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch, counted: list[str], code: str
) -> None:
    add_async(app)
    refused: list[Json] = []

    def refuse_once(request: Json, ask: Ask) -> Json:
        if not refused:
            refused.append(request)
            raise _cancelled(code)
        return ask(request)

    tamper(monkeypatch, ["DynamoDB.TransactWriteItems"], refuse_once)
    host.send([placed("a")])
    assert ([run.id for run in host.runs("order")], counted.count("Duplicates")) == ([], 0)
    host.advance("10s")
    assert (started(host), counted.count("Duplicates")) == (["a"], 0)


def _cancelled(code: str) -> Exception:
    reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": code}]
    response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


def lived_with(mortal: Mortal) -> tuple[object, ...]:
    """What there is once two events with one value have come to such a Lambda."""
    app, diary = App("shop"), Diary()

    @app.create_function(fn_id="order", trigger=PLACED, idempotency=BY_ORDER)
    async def order(ctx: Context) -> str:
        await diary.write("begun")
        return "done"

    with Cloud(app) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal):
            host.send([placed("a")])
            host.send([placed("b")])
            host.advance("20m")
        host.send([placed("c")])
        finished = {run.output for run in host.runs("order")}
        ends = host.events("tarry/function.finished")
        return len(host.runs("order")), finished, len(ends), in_indexes(cloud), host.dead_letters


@pytest.mark.parametrize("function", ["matcher", "executor"])
def test_whichever_call_a_lambda_dies_at_there_is_one_run_and_it_ends_once(function: str) -> None:
    immortal = Mortal(function)
    alive = lived_with(immortal)
    assert alive == (1, {"done"}, 1, set(), [])
    assert len(immortal.calls) >= 4
    for death in deaths(function, immortal.calls):
        mortal = Mortal(function, death)
        assert lived_with(mortal) == alive, death
        assert mortal.has_died, death
