"""The HTTP API: an event's receipt, a run, and its cancelling, asked as the function's URL asks the handler."""

import json
import random
from typing import Any
from urllib.parse import quote

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.api.documents import event_receipt_document
from tarry_backend.handlers.api import handler
from tarry_dev.cloud import Host, HostedRun
from tarry_dev.cloud.api import ask
from tests.functional.contract.test_identity import put
from tests.functional.contract.wire import Ask, Json, tamper


@pytest.fixture(autouse=True)
def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str | None:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="2h")
        return paid.id if paid else None

    @app.create_function(fn_id="large", trigger=TriggerEvent(event="large"))
    async def large(ctx: Context) -> None:
        for number in range(2):
            await ctx.step.run(f"step-{number}", lambda: "x" * 3_100_000)


def event(event_id: str, name: str) -> Event:
    return Event(name, {"id": "7"}, id=event_id)


def told(method: str, path: str, **query: str) -> tuple[int, Any]:
    status, body = ask(method, path, query)
    return status, json.loads(body)


def test_it_gives_the_receipts_that_the_command_line_gives(host: Host) -> None:
    host.send([event("o", "placed")])
    host.send([event("p", "paid")])
    run = host.run("order").id

    started, resumed = told("GET", "/events/o", name="placed"), told("GET", "/events/p", name="paid")

    assert started == (200, event_receipt_document(host.receipt("o")))
    assert resumed == (200, event_receipt_document(host.receipt("p")))
    assert started[1]["started"] == [{"run": run, "function": "order", "status": "finished"}]
    assert resumed[1]["resumed"] == [{"run": run, "step": "paid"}]


@pytest.mark.parametrize("event_id", ["a/b", "50%", "é ?&#"])
def test_an_events_id_is_percent_encoded(host: Host, event_id: str) -> None:
    host.send([event(event_id, "placed")])
    status, receipt = told("GET", f"/events/{quote(event_id, safe='')}", name="placed")
    assert (status, receipt["event"]["id"]) == (200, event_id)


@pytest.mark.parametrize("name", ["paid", "placed"])
def test_the_name_is_needed_whether_the_event_started_a_run_or_not(host: Host, name: str) -> None:
    """An id is not unique: one that is given alone may name several events."""
    host.send([event("p", name)])
    status, answer = told("GET", "/events/p")
    assert status == 400
    assert "?name=" in answer["message"]
    assert told("GET", "/events/p", name=name)[0] == 200


def test_w28_of_several_events_of_one_name_and_id_the_source_is_needed(host: Host) -> None:
    for source in ("tarry.shop", "tarry.depot"):
        put(host, "placed", source, "o")
    status, answer = told("GET", "/events/o", name="placed")
    assert status == 400
    assert "2 events have the id 'o': placed from tarry.shop, placed from tarry.depot" in answer["message"]
    for number, source in enumerate(("tarry.shop", "tarry.depot")):
        status, receipt = told("GET", "/events/o", name="placed", source=source)
        assert (status, receipt["event"]["source"]) == (200, source)
        assert [each["run"] for each in receipt["started"]] == [host.runs("order")[number].id]
    assert told("GET", "/events/o", name="placed", source="shop")[0] == 404


def test_it_finds_an_event_that_the_log_has_forgotten_by_the_run_that_it_started(host: Host) -> None:
    host.send([event("o", "placed")])
    host.advance("2h")
    for query in ({"name": "placed"}, {"name": "placed", "source": "tarry.shop"}):
        status, receipt = told("GET", "/events/o", since="1s", **query)
        assert (status, len(receipt["started"])) == (200, 1)

    assert told("GET", "/events/q", name="paid")[0] == 404


def test_it_looks_back_as_far_as_it_is_told(host: Host) -> None:
    host.send([event("p", "paid")])
    host.advance("2h")
    assert told("GET", "/events/p", name="paid", since="1h")[0] == 404
    assert told("GET", "/events/p", name="paid", since="3h")[0] == 200
    status, answer = told("GET", "/events/p", name="paid", since="soon")
    assert status == 400
    assert "soon" in answer["message"]


def test_it_shows_a_run_and_cancels_it(host: Host) -> None:
    host.send([event("o", "placed")])
    run = host.run("order").id
    assert [step["id"] for step in told("GET", f"/runs/{run}")[1]["open"]] == ["paid"]

    assert told("POST", f"/runs/{run}/cancel") == (202, {"id": run, "status": "running"})
    host.cloud.pump()

    assert told("GET", f"/runs/{run}")[1]["status"] == "cancelled"
    assert told("POST", f"/runs/{run}/cancel")[0] == 202


def test_what_has_ended_or_is_not_there_cannot_be_cancelled(host: Host) -> None:
    host.send([event("o", "placed")])
    host.send([event("p", "paid")])
    status, answer = told("POST", f"/runs/{host.run('order').id}/cancel")
    assert status == 409
    assert "already finished" in answer["message"]
    assert told("POST", "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel")[0] == 404
    assert told("GET", "/runs/nothing")[0] == 404
    assert told("GET", "/elsewhere")[0] == 404


@pytest.fixture
def failed(app: App, host: Host) -> HostedRun:
    @app.create_function(fn_id="broken", trigger=TriggerEvent(event="broken"), retries=0)
    async def broken(ctx: Context) -> int:
        await ctx.step.run("pay", lambda: "paid")
        return int(await ctx.step.run("ship", lambda: ctx.event.data["n"]))

    host.send("broken", {"id": "7", "text": "x" * 400_000})
    run = host.run("broken")
    assert run.status == "failed"
    return run


def test_it_retries_a_failed_run(host: Host, failed: HostedRun) -> None:
    assert told("POST", f"/runs/{failed.id}/retry") == (202, {"id": failed.id, "status": "running", "life": 2})
    status, answer = told("POST", f"/runs/{failed.id}/retry")
    assert (status, "is running, in life 2" in answer["message"]) == (409, True)
    host.cloud.pump()
    page = told("GET", f"/runs/{failed.id}")[1]
    assert (page["status"], page["life"], [life["from"] for life in page["past_lives"]]) == ("failed", 2, ["ship"])
    status, answer = told("POST", f"/runs/{failed.id}/retry", **{"from": "pay"})
    assert (status, "a retry goes on from a step that failed ('ship')" in answer["message"]) == (409, True)
    assert told("POST", "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/retry")[0] == 404


def test_it_runs_a_run_again_once_for_a_nonce_and_with_an_event_of_the_request(host: Host, failed: HostedRun) -> None:
    large = {"n": 3, "text": random.Random(1).randbytes(300_000).hex()}
    path, query = f"/runs/{failed.id}/rerun", {"from": "ship", "nonce": "n-1"}
    answers = [ask("POST", path, query, json.dumps({"data": large})) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202]
    first, second = (json.loads(body) for _, body in answers)
    assert first == second
    assert (first["rerun_of"], first["from"], first["status"]) == (failed.id, "ship", "running")
    host.cloud.pump()
    page = told("GET", f"/runs/{first['id']}")[1]
    assert (page["output"], page["rerun_of"]) == (3, {"run": failed.id, "from": "ship"})
    for body, why in (("{", "not JSON"), ("[]", "JSON object"), ('{"name": "x"}', "data, user, or both, not name")):
        status, text = ask("POST", path, {}, body)
        assert (status in (400, 409), why in json.loads(text)["message"]) == (True, True), body
    assert told("POST", path, **{"from": "lost"})[0] == 409
    assert told("POST", "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/rerun")[0] == 404


def test_an_answer_that_lambda_would_not_carry_is_refused_with_the_reason(host: Host) -> None:
    host.send([event("o", "large")])
    assert host.run("large").status == "finished"
    status, answer = told("GET", f"/runs/{host.run('large').id}")
    assert (status, answer["statusCode"]) == (413, 413)
    assert "6,000,000" in answer["message"]


RAW: dict[str, dict[str, Any]] = {
    "a path of 3,000 characters": {"rawPath": "/runs/" + "x" * 3_000},
    "… to cancel": {"rawPath": f"/runs/{'x' * 3_000}/cancel", "method": "POST"},
    "an event's id of 3,000 characters": {"rawPath": "/events/" + "x" * 3_000, "query": {"name": "paid"}},
    "an event's name of 3,000 characters": {"rawPath": "/events/e", "query": {"name": "x" * 3_000}},
    "an event's name that is empty": {"rawPath": "/events/e", "query": {"name": ""}},
    "a span of 5,000 digits": {"rawPath": "/events/e", "query": {"name": "paid", "since": "9" * 5_000 + "d"}},
    "a span that is empty": {"rawPath": "/events/e", "query": {"name": "paid", "since": ""}},
    "a span of 3,000 characters": {"rawPath": "/events/e", "query": {"name": "paid", "since": "d" * 3_000}},
    "a span below zero": {"rawPath": "/events/e", "query": {"name": "paid", "since": "-1d"}},
    "a zero character": {"rawPath": "/runs/%00"},
    "a zero character of an event": {"rawPath": "/events/%00", "query": {"name": "\x00"}},
    "bad UTF-8": {"rawPath": "/events/%ff%fe", "query": {"name": "paid"}},
    "half a surrogate pair": {"rawPath": "/runs/\ud800"},
    "half a surrogate pair as an event": {"rawPath": "/events/\ud800", "query": {"name": "\ud800"}},
    "no id": {"rawPath": "/runs/"},
    "no id of an event": {"rawPath": "/events/"},
    "no path": {"rawPath": ""},
    "many parameters": {"rawPath": "/events/e", "query": {f"p{number}": "x" * 100 for number in range(1_000)}},
    "another method": {"rawPath": "/runs/x", "method": "DELETE"},
    "a method that is none": {"rawPath": "/runs/x", "method": "FROBNICATE"},
    "a body of another type": {"rawPath": "/runs/x/cancel", "method": "POST", "body": "<a/>"},
    "a body in base64": {"rawPath": "/runs/x/cancel", "method": "POST", "body": "////", "isBase64Encoded": True},
    "a body that is no base64": {"rawPath": "/runs/x/cancel", "method": "POST", "body": "%", "isBase64Encoded": True},
    "an escape sequence": {"rawPath": "/runs/\x1b[2J", "method": "GET"},
    "a line break": {"rawPath": "/runs/a%0ab\nc"},
}


@pytest.mark.parametrize("request_", RAW.values(), ids=RAW)
def test_each_request_that_asks_for_nothing_gets_a_4xx_in_json(host: Host, request_: dict[str, Any]) -> None:
    fields = dict(request_)
    http = {"method": fields.pop("method", "GET"), "path": fields["rawPath"], "sourceIp": "", "userAgent": ""}
    query = fields.pop("query", None)
    event = {
        "version": "2.0",
        "rawQueryString": "",
        "headers": {"content-type": "text/xml"},
        "requestContext": {"http": http, "stage": "$default", "requestId": "r"},
        "isBase64Encoded": False,
        **({"queryStringParameters": query} if query is not None else {}),
        **fields,
    }
    answer = handler(event, None)
    assert 400 <= answer["statusCode"] < 500
    said = json.loads(answer["body"])
    assert said["statusCode"] == answer["statusCode"]
    assert said["message"]
    assert answer["body"].isascii()


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/runs/" + "x" * 3_000, {}, 404),
        ("POST", f"/runs/{'x' * 3_000}/cancel", {}, 404),
        ("GET", "/runs/" + "%C3%A4" * 1_000, {}, 404),
        ("GET", "/events/" + "x" * 513, {"name": "paid"}, 400),
        ("GET", "/events/e", {"name": "x" * 129}, 400),
        ("GET", "/events/e", {"name": ""}, 400),
    ],
)
def test_what_no_key_can_be_is_no_request_to_dynamodb(
    host: Host, monkeypatch: pytest.MonkeyPatch, method: str, path: str, query: dict[str, str], status: int
) -> None:
    """DynamoDB refuses keys over 2,048 bytes, and the embedded cloud does not."""

    def refuse(body: Json, ask: Ask) -> Json:
        keys = [value["S"] for value in body["ExpressionAttributeValues"].values() if "S" in value]
        assert max(len(key.encode()) for key in keys) <= 2_048, "DynamoDB would refuse this key"
        return ask(body)

    tamper(monkeypatch, ["DynamoDB.Query"], refuse)
    assert told(method, path, **query)[0] == status


def test_a_request_that_the_api_fails_over_gets_a_500_in_json(host: Host) -> None:
    answer = handler({}, None)
    assert answer["statusCode"] == 500
    assert "log" in json.loads(answer["body"])["message"]


def test_an_infinite_number_of_an_event_is_text_in_an_answer(host: Host) -> None:
    fields = {
        "id": "o",
        "detail-type": "placed",
        "source": "shop",
        "time": "2026-01-05T12:00:00Z",
        "detail": {"id": "7", "n": ["?", "-?"]},
    }
    body = json.dumps(fields).replace('"?"', "1e400").replace('"-?"', "-1e400")
    host.cloud.clients.sqs.send_message(QueueUrl=host.cloud.queues["events"].url, MessageBody=body)
    host.cloud.pump()
    for path, query in (("/events/o", {"name": "placed"}), (f"/runs/{host.run('order').id}", {})):
        status, text = ask("GET", path, query)
        answer = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert (status, answer["event"]["data"]["n"]) == (200, ["Infinity", "-Infinity"])
