"""Rows E1 to E7 and W26: what is put on the bus, and what a function sees of it."""

import base64
import hashlib
import json
from contextlib import nullcontext
from dataclasses import asdict
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tarry import App, Context, Event, EventError, SendError, TriggerEvent
from tarry_backend.model.position import Position
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.wire import Ask, Json, interrupt, skip_pauses, tamper


def add_echo(app: App, name: str) -> None:
    @app.create_function(fn_id="echo", trigger=TriggerEvent(event=name))
    async def echo(ctx: Context) -> dict[str, Any]:
        return asdict(ctx.event)


def test_e01_an_event_put_by_the_cli_is_seen_with_eventbridges_id_time_and_source(app: App, host: Host) -> None:
    add_echo(app, "order/paid")
    [event_id] = host.put_events({"Source": "shop", "DetailType": "order/paid", "Detail": '{"id": 1}'})
    assert host.run().output == {
        "name": "order/paid",
        "data": {"id": 1},
        "id": event_id,
        "ts": host.cloud.clock.now() // 1000 * 1000,  # EventBridge gives seconds
        "user": None,
        "source": "shop",
    }


def test_e02_a_notification_of_s3_is_seen_with_its_detail_as_data(app: App, host: Host) -> None:
    add_echo(app, "Object Created")
    detail = {
        "version": "0",
        "bucket": {"name": "uploads"},
        "object": {"key": "a b+c.txt", "size": 5, "etag": "b1946ac9", "sequencer": "00617F08299329D189"},
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    }
    host.put_events({"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(detail)})
    assert host.run().output["data"] == detail
    assert host.run().output["source"] == "aws.s3"


def test_e03_an_event_of_the_app_is_seen_with_the_fields_it_was_sent_with(app: App, host: Host) -> None:
    add_echo(app, "order/paid")
    sent = Event("order/paid", {"id": "7", "ä": [1, None, 2.5]}, id="x", user={"id": "u"}, ts=1_700_000_000_123)
    host.send([sent])
    assert host.run().output == asdict(sent) | {"source": "tarry.shop"}


def test_e04_one_id_sent_twice_starts_one_run_of_each_function(app: App, host: Host, diary: Diary) -> None:
    for fn_id in ("ship", "thank"):

        @app.create_function(fn_id=fn_id, trigger=TriggerEvent(event="order/paid"))
        async def function(ctx: Context) -> None:
            await ctx.step.run("note", diary.write, ctx.run_id)

    event = Event("order/paid", {"id": "7"}, id="x")
    host.send([event, event])
    host.advance("10m")
    host.send([event])
    assert len(set(diary.entries)) == len(diary.entries) == 2
    assert [run.function_id for run in host.runs()] == ["ship", "thank"]


@pytest.mark.parametrize(("refusals", "missing"), [(2, []), (3, ["e7", "e21"])])
def test_e05_events_that_the_bus_refuses_are_tried_again_and_then_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, refusals: int, missing: list[str]
) -> None:
    skip_pauses(monkeypatch)
    left = dict.fromkeys(["e7", "e21"], refusals)

    def put(request: Json, ask: Ask) -> Json:
        """As EventBridge does: some entries are refused, the others go."""
        ids = [json.loads(entry["Detail"])["id"] for entry in request["Entries"]]
        refused = {event_id for event_id in ids if left.get(event_id)}
        kept = [entry for event_id, entry in zip(ids, request["Entries"], strict=True) if event_id not in refused]
        went = iter(ask({"Entries": kept})["Entries"] if kept else [])
        for event_id in refused:
            left[event_id] -= 1
        no = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        return {
            "FailedEntryCount": len(refused),
            "Entries": [no if event_id in refused else next(went) for event_id in ids],
        }

    tamper(monkeypatch, ["AWSEvents.PutEvents"], put)
    events = [Event("tick", {"n": number}, id=f"e{number}") for number in range(25)]
    named = "the bus refused 2 of 25 events: e7: ThrottlingException: Rate exceeded; e21: "
    with pytest.raises(SendError, match=named) if missing else nullcontext():
        cloud.send(events)
    there = [message.json["detail"]["id"] for message in cloud.queues["events"].messages]
    assert sorted([*there, *missing]) == sorted(event.id for event in events)


def test_e10_events_whose_second_request_fails_are_sent_again_by_the_error_and_start_no_run_twice(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus takes the second request, but its answer is lost each time."""

    @app.create_function(fn_id="count", trigger=TriggerEvent(event="tick"))
    async def count(ctx: Context) -> int:
        return int(ctx.event.data["n"])

    requests: list[int] = []

    def lose() -> None:
        requests.append(len(requests))
        if requests[-1] > 0:
            raise ReadTimeoutError(endpoint_url="https://events")

    skip_pauses(monkeypatch)
    with monkeypatch.context() as patch:
        interrupt(patch, ["AWSEvents.PutEvents"], lose)
        with pytest.raises(SendError) as caught:
            host.cloud.send([Event("tick", {"n": number}) for number in range(25)])
    assert (len(caught.value.accepted), len(caught.value.unknown), len(caught.value.failed)) == (10, 10, 5)
    host.send(caught.value.left)
    host.advance("1m")
    assert sorted(run.output for run in host.runs("count")) == list(range(25))


def test_e06_an_event_over_the_size_limit_is_refused_before_anything_is_sent(cloud: Cloud) -> None:
    with pytest.raises(EventError, match=r"'big' \(b1\) has [\d,]+ bytes; the bus carries at most 1,0\d\d,\d{3}"):
        cloud.send([Event("small"), Event("big", {"text": "x" * 1_050_000}, id="b1"), Event("small")])
    assert cloud.queues["events"].messages == []


@pytest.mark.parametrize(
    "name", ["order paid", "a#b", "run#x#step", "Bestellung/bezählt ✓", "x" * 128, "ж" * 128, '"quoted"', "*", "a\\n{}"]
)
def test_e07_an_event_of_any_name_starts_and_resumes(app: App, host: Host, name: str) -> None:
    @app.create_function(fn_id="asks", trigger=TriggerEvent(event="ask"))
    async def asks(ctx: Context) -> Any:
        by_key = await ctx.step.wait_for_event(f"wait for {name}", event=name, match="data.id", timeout="1h")
        by_name = await ctx.step.wait_for_event(f"wait for {name}", event=name, timeout="1h")
        return [by_key and by_key.name, by_name and by_name.name]

    host.send("ask", {"id": 1})
    host.send(name, {"id": 1})
    host.send(name, {"id": 2})
    assert host.run("asks").output == [name, name]


@pytest.mark.parametrize(("name", "said"), [("x" * 129, "129 characters"), ("ж" * 200, "200 characters"), ("", "''")])
def test_e07_a_name_that_no_bus_carries_is_the_same_error_at_send_and_at_wait_for_event(
    app: App, host: Host, name: str, said: str
) -> None:
    @app.create_function(fn_id="asks", trigger=TriggerEvent(event="ask"))
    async def asks(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event=name, timeout="1h")

    with pytest.raises(EventError) as refused:
        host.send(name)
    host.send("ask")
    error = host.run().error
    assert error is not None
    assert said in str(refused.value)
    assert (error.name, error.message) == ("EventError", str(refused.value))


def noise(size: int) -> str:
    """Text of that many characters, of which compression leaves three quarters."""
    return base64.b64encode(Random(size).randbytes(size)).decode()[:size]


@pytest.mark.parametrize("size", [240_000, 390_000, 900_000])
def test_w26_a_large_event_arrives_whole_in_log_trigger_wait_and_output(app: App, host: Host, size: int) -> None:
    """240 KB stay in the item. 390 KB do too, but not twice: a run's event and its output share one. 900 KB do not."""

    @app.create_function(fn_id="digest", trigger=TriggerEvent(event="document"))
    async def digest(ctx: Context) -> dict[str, Any]:
        answer = await ctx.step.wait_for_event("wait", event="answer", match="data.id", timeout="1h")
        assert answer is not None
        await ctx.step.run("copy", copy, dict(answer.data))
        return {"trigger": fingerprint(ctx.event.data), "wait": fingerprint(answer.data), "copy": ctx.event.data}

    async def copy(data: dict[str, Any]) -> dict[str, Any]:
        return data

    document, answer = ({"id": 1, "text": noise(size + odd)} for odd in (0, 1))
    host.send([Event("document", document, id="d1")])
    host.send([Event("answer", answer, id="a1")])
    run = host.run("digest")
    assert run.output == {"trigger": fingerprint(document), "wait": fingerprint(answer), "copy": document}
    assert run.event.data == document
    assert run.steps["copy"].output == answer
    now = host.cloud.clock.now()
    [logged] = runtime().store.log.read("answer", Position(0), now)
    assert logged.event.data == answer
    assert host.dead_letters == []


def fingerprint(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


PAYOUT = 11111111111111111111


@pytest.mark.parametrize("asked", ["==", "in", ">="])
def test_w31_a_payout_beyond_64_bits_resumes_its_own_wait_and_no_other(app: App, host: Host, asked: str) -> None:
    """One is found by its key, one by a list of keys, one by a residual with a binding."""
    right = {"==": "event.data.payout", "in": "[event.data.payout]", ">=": "event.data.payout"}[asked]
    expression = f"async.data.payout {asked} {right} && async.data.payout <= {PAYOUT}"

    @app.create_function(fn_id="pay", trigger=TriggerEvent(event="payout"))
    async def pay(ctx: Context) -> object:
        event = await ctx.step.wait_for_event("wait", event="paid", if_exp=expression, timeout="1h")
        return event and [ctx.event.data["payout"], event.data["payout"]]

    host.send("payout", {"payout": PAYOUT})
    for other in (PAYOUT + 1, PAYOUT - 1, float(PAYOUT)):
        host.send("paid", {"payout": other})
        assert host.run("pay").status != "finished", other
    host.send("paid", {"payout": PAYOUT})
    assert host.run("pay").output == [PAYOUT, PAYOUT]


@pytest.mark.parametrize("expression", ["{}", "async.data.id == 1 && {} || async.data.id == 2 && {}"])
def test_half_of_a_character_is_kept_beside_a_wait_as_it_is(app: App, host: Host, expression: str) -> None:
    """DynamoDB keeps UTF-8, which has no halves: an item holds them as JSON writes them, in ASCII."""
    differs = "async.data.text != event.data.text"

    @app.create_function(fn_id="digest", trigger=TriggerEvent(event="document"))
    async def digest(ctx: Context) -> object:
        if_exp = expression.replace("{}", differs)
        event = await ctx.step.wait_for_event("wait", event="answer", if_exp=if_exp, timeout="1h")
        return event and event.data["text"]

    halved = json.dumps({"id": 2, "text": "\ud83d é"})
    host.put_events({"Source": "shop", "DetailType": "document", "Detail": halved})
    for item in host.cloud.clients.dynamodb.scan(TableName="tarry")["Items"]:
        for name, value in item.items():
            assert str(value.get("S", "")).encode().decode() == value.get("S", ""), name
    host.put_events({"Source": "shop", "DetailType": "answer", "Detail": halved})
    assert host.run("digest").status != "finished"
    host.send("answer", {"id": 2, "text": "? é"})
    assert host.run("digest").output == "? é"
