"""From the bus to the matcher: events of the app's, and of anybody's."""

import json

import pytest

from tarry import App, Event
from tarry.errors import SendError
from tarry_dev.cloud import Cloud
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


def test_an_app_may_name_its_bus(matcher: Recorder) -> None:
    app = App("shop", bus="house")
    with Cloud(app, handlers={"matcher": matcher}) as cloud:
        app.send_sync(Event("order/paid"))
        assert cloud.bus == "house"
        assert cloud.pump() == 1
