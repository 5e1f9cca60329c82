"""From the bus to the matcher: events of the app's, and of anybody's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError

from tarry import App, Event
from tarry._wire.limits import MAX_ENTRY
from tarry.errors import SendError
from tarry_dev.cloud import Cloud
from tarry_dev.entries import put_entries
from tests.functional.cloud.recorder import Recorder


def received(matcher: Recorder) -> list[dict[str, object]]:
    return [json.loads(body) for body in matcher.bodies]


def test_a_foreign_event_comes_in_eventbridges_form(cloud: Cloud, matcher: Recorder) -> None:
    [event_id] = cloud.put_events([{"Source": "shop", "DetailType": "order/paid", "Detail": '{"id": 1}'}])
    cloud.pump()
    assert received(matcher) == [
        {
            "version": "0",
            "id": event_id,
            "detail-type": "order/paid",
            "source": "shop",
            "account": "123456789012",
            "time": "2026-01-05T12:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"id": 1},
        }
    ]


def test_an_apps_event_comes_in_its_envelope(cloud: Cloud, app: App, matcher: Recorder) -> None:
    app.send_sync(Event("order/paid", {"id": 1}, id="x", user={"id": "u"}, ts=5))
    cloud.pump()
    [event] = received(matcher)
    assert event["source"] == "tarry.shop"
    assert event["detail"] == {"v": 1, "id": "x", "ts": 5, "data": {"id": 1}, "user": {"id": "u"}}


@pytest.mark.parametrize("text", ['say "hi"', "back\\slash", "<id> <detail> <time>", "Ä #é 🎈", "{}\n"])
def test_no_text_breaks_an_event(cloud: Cloud, matcher: Recorder, text: str) -> None:
    cloud.put_events([{"Source": text, "DetailType": text, "Detail": json.dumps({"text": text})}])
    cloud.pump()
    [event] = received(matcher)
    assert (event["detail-type"], event["source"], event["detail"]) == (text, text, {"text": text})


def test_resources_come_along(cloud: Cloud, matcher: Recorder) -> None:
    bucket = "arn:aws:s3:::pictures"
    cloud.put_events([{"Source": "aws.s3", "DetailType": "Object Created", "Detail": "{}", "Resources": [bucket]}])
    cloud.pump()
    assert received(matcher)[0]["resources"] == [bucket]


def test_an_event_on_another_bus_is_not_ours(cloud: Cloud, matcher: Recorder) -> None:
    cloud.clients.events.create_event_bus(Name="other")
    entry = {"EventBusName": "other", "Source": "shop", "DetailType": "order/paid", "Detail": "{}"}
    cloud.put_events([entry])  # type: ignore[list-item]
    assert cloud.pump() == 0
    assert matcher.events == []


def test_a_refused_entry_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(SendError, match="refused 1 of 2 events"):
        cloud.put_events(
            [
                {"Source": "shop", "DetailType": "order/paid", "Detail": "{}"},
                {"Source": "shop", "DetailType": "order/paid", "Detail": "no JSON"},
            ]
        )
    assert len(cloud.queues["events"].messages) == 1


VALID: dict[str, object] = {"Source": "shop", "DetailType": "order/paid", "Detail": "{}"}

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "a name of 129 characters": ({"DetailType": "n" * 129}, "InvalidArgument"),
    "no name": ({"DetailType": ""}, "InvalidArgument"),
    "a source of 257 characters": ({"Source": "s" * 257}, "InvalidArgument"),
    "no source": ({"Source": ""}, "InvalidArgument"),
    "a source of AWS's services": ({"Source": "aws.s3"}, "NotAuthorizedForSourceException"),
    "a list": ({"Detail": "[1]"}, "MalformedDetail"),
    "a text": ({"Detail": '"text"'}, "MalformedDetail"),
    "no detail": ({"Detail": ""}, "InvalidArgument"),
    "no JSON": ({"Detail": "{'id': 1}"}, "MalformedDetail"),
    "a number that JSON lacks": ({"Detail": '{"n": NaN}'}, "MalformedDetail"),
    "1,101 levels": ({"Detail": '{"a":' * 1_101 + "1" + "}" * 1_101}, "MalformedDetail"),
}


@pytest.mark.parametrize("road", ["shortest", "in full", "over HTTP"])
@pytest.mark.parametrize("case", REFUSED)
def test_the_bus_refuses_an_entry_as_eventbridge_does_and_takes_its_neighbours(
    cloud: Cloud, matcher: Recorder, case: str, road: str
) -> None:
    fields, code = REFUSED[case]
    entries: list[Any] = [{"EventBusName": cloud.bus, **VALID, **each} for each in ({}, fields, {"DetailType": "z"})]
    first, refused, last = put_events(cloud, road, entries)["Entries"]
    assert (refused.get("ErrorCode"), "EventId" in first, "EventId" in last) == (code, True, True)
    cloud.pump()
    assert [event["detail-type"] for event in received(matcher)] == ["order/paid", "z"]


def put_events(cloud: Cloud, road: str, entries: list[Any]) -> Any:
    if road == "over HTTP":
        body = json.dumps({"Entries": entries})
        headers = {"X-Amz-Target": "AWSEvents.PutEvents", "Content-Type": "application/x-amz-json-1.1"}
        answer = requests.post("https://events.us-east-1.amazonaws.com/", body, headers=headers, timeout=5)
        return answer.json()
    client = cloud.clients.session.client("events")
    if road == "in full":
        client.meta.events.register("before-send.events.PutEvents", lambda **_: None)
    return client.put_events(Entries=entries)


@pytest.mark.parametrize("size", [500_000, 1_048_577])
def test_the_bus_refuses_a_request_over_one_mebibyte(cloud: Cloud, size: int) -> None:
    detail = json.dumps({"text": "x" * (size - 12)})
    entries: list[Any] = [{"EventBusName": cloud.bus, **VALID, "Detail": detail}] * (1 + 1_048_576 // size)
    with pytest.raises(ClientError, match=r"ValidationException.*Total size of the entries .* over the limit"):
        cloud.clients.events.put_events(Entries=[*entries, entries[0]])
    assert len(cloud.queues["events"].messages) == 0


def test_the_bus_refuses_eleven_entries_in_a_request(cloud: Cloud) -> None:
    entries: list[Any] = [{"EventBusName": cloud.bus, **VALID}] * 11
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 10"):
        cloud.clients.events.put_events(Entries=entries)


def test_the_bus_takes_the_longest_texts_and_the_largest_request_that_eventbridge_takes(
    cloud: Cloud, matcher: Recorder
) -> None:
    longest: Any = {"EventBusName": cloud.bus, "Source": "ä" * 256, "DetailType": "é" * 128}
    left = MAX_ENTRY - 2 * (256 + 128) - len('{"text": ""}')
    details = [
        json.dumps({"text": "x" * left}),
        '{"text": "%s"}' % ("ä" * (left // 2)),
        '{"a":' * 199 + "1" + "}" * 199,
    ]
    for detail in details:
        entry: Any = {**longest, "Detail": detail}
        assert cloud.clients.events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    cloud.pump()
    assert [event["detail"] for event in received(matcher)] == [json.loads(detail) for detail in details]


def test_a_test_may_put_what_aws_services_put_and_in_any_number(cloud: Cloud, matcher: Recorder) -> None:
    detail = json.dumps({"text": "x" * 200_000})
    made: Any = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": detail}
    assert len(cloud.put_events([made] * 12)) == 12
    cloud.pump()
    assert {event["source"] for event in received(matcher)} == {"aws.s3"}
    entry: Any = {"EventBusName": cloud.bus, **made}
    refused = cloud.clients.events.put_events(Entries=[entry])
    assert refused["FailedEntryCount"] == 1


def test_an_error_names_the_refused_entries_of_every_request_and_the_others_are_put(cloud: Cloud) -> None:
    entries: list[Any] = [{**VALID, "Detail": "[]" if place in (3, 11) else "{}"} for place in range(12)]
    with pytest.raises(SendError, match=r"refused 2 of 12 events: .*\(entry 4\): Detail .*\(entry 12\): Detail"):
        cloud.put_events(entries)
    assert len(cloud.queues["events"].messages) == 10


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            EndpointConnectionError(endpoint_url="https://x"),
            "may not have 10 of 25 events: order/paid .entry 11.: Could",
        ),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "PutEvents"), "refused 15 of 25 events: .* not sent"),
    ],
)
def test_e10_an_error_says_which_entries_of_a_later_request_may_be_missing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    entries: list[Any] = [{**VALID, "EventBusName": cloud.bus} for _ in range(25)]
    first = cloud.clients.events.put_events(Entries=entries[:10])
    answers: Iterator[Any] = iter([first, error])

    def answer(**_: object) -> Any:
        if isinstance(following := next(answers), Exception):
            raise following
        return following

    client = cloud.clients.session.client("events")
    monkeypatch.setattr(client, "put_events", answer)
    with pytest.raises(SendError, match=words) as failed:
        put_entries(entries, client)
    assert len(failed.value.accepted) == 10


def test_an_app_may_name_its_bus(matcher: Recorder) -> None:
    app = App("shop", bus="house")
    with Cloud(app, handlers={"matcher": matcher}) as cloud:
        app.send_sync(Event("order/paid"))
        assert cloud.bus == "house"
        assert cloud.pump() == 1
