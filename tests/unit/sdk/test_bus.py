"""Sending events: in batches, again where they were refused, and nothing if one of them cannot go."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from tarry import App, Event, EventError, Middleware, SendError
from tarry._wire.limits import MAX_ENTRY


class Bus:
    """EventBridge as botocore's stubber plays it. ``requests`` are the batches that it was sent."""

    def __init__(self, stubber: Stubber) -> None:
        self._stubber = stubber
        self.requests: list[list[dict[str, Any]]] = []
        self._planned = 0
        self._errors: dict[int, Exception] = {}
        stubber.client.meta.events.register("provide-client-params.events.PutEvents", self._note)

    def answers(self, *refused: str | None) -> None:
        """The next batch has that many entries; those with an error code are refused."""
        entries = [{"ErrorCode": code, "ErrorMessage": "why"} if code else {"EventId": "x"} for code in refused]
        answer = {"FailedEntryCount": sum(map(bool, refused)), "Entries": entries}
        self._stubber.add_response("put_events", answer, {"Entries": ANY})
        self._planned += 1

    def fails(self, error: Exception) -> None:
        """The next batch is not answered."""
        self._errors[self._planned] = error
        self._planned += 1

    def refuses(self, status: int) -> None:
        """The next batch is refused as a whole."""
        self._stubber.add_client_error("put_events", "Refused", "why", status, expected_params={"Entries": ANY})
        self._planned += 1

    def ids(self) -> list[list[str]]:
        """The ids of the events in each batch."""
        return [[json.loads(entry["Detail"])["id"] for entry in batch] for batch in self.requests]

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.requests.append(params["Entries"])
        if error := self._errors.get(len(self.requests) - 1):
            raise error


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setattr("tarry._wire.bus._PAUSES", (0, 0))
    monkeypatch.delenv("TARRY_BUS", raising=False)
    client = boto3.client("events", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(boto3, "client", {"events": client}.__getitem__)
    with Stubber(client) as stubber:
        yield Bus(stubber)
        stubber.assert_no_pending_responses()


@dataclass
class Caller:
    id: int


def sent_alone(bus: Bus, event: Event, app: App | None = None) -> dict[str, Any]:
    """The entry that an event becomes."""
    bus.answers(None)
    (app or App("shop")).send_sync(event)
    return bus.requests[0][0]


def test_e3_an_event_carries_its_id_data_user_and_time_from_the_apps_source_to_the_apps_bus(bus: Bus) -> None:
    entry = sent_alone(bus, Event("paid", {"n": 1}, id="x", user={"id": 3}, ts=1_800_000_000_123))
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == ("tarry-shop", "tarry.shop", "paid")
    assert json.loads(entry["Detail"]) == {
        "v": 1, "id": "x", "ts": 1_800_000_000_123, "data": {"n": 1}, "user": {"id": 3},
    }  # fmt: skip
    assert entry["Time"].timestamp() == 1_800_000_000.123


def test_an_event_without_an_id_gets_one_which_is_returned(bus: Bus) -> None:
    bus.answers(None, None)
    ids = App("shop").send_sync([Event("paid"), Event("paid", id="mine")])
    assert bus.ids() == [ids]
    assert len(ids[0]) == 26
    assert ids[1] == "mine"


def test_a_user_may_be_a_dataclass(bus: Bus) -> None:
    event = Event("paid", user=Caller(3))  # type: ignore[arg-type]
    assert json.loads(sent_alone(bus, event)["Detail"])["user"] == {"id": 3}


def test_without_a_user_none_is_carried(bus: Bus) -> None:
    assert set(json.loads(sent_alone(bus, Event("paid"))["Detail"])) == {"v", "id", "ts", "data"}


@pytest.mark.parametrize(
    ("given", "environment", "name"),
    [("mine", "theirs", "mine"), (None, "theirs", "theirs"), (None, None, "tarry-shop")],
)
def test_the_bus_is_the_one_given_else_the_environments_else_the_stacks(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str | None, name: str
) -> None:
    if environment:
        monkeypatch.setenv("TARRY_BUS", environment)
    assert sent_alone(bus, Event("paid"), App("shop", bus=given))["EventBusName"] == name


def test_events_go_in_batches_of_ten(bus: Bus) -> None:
    ids = [f"e{n}" for n in range(25)]
    for size in (10, 10, 5):
        bus.answers(*[None] * size)
    assert App("shop").send_sync(Event("paid", id=one) for one in ids) == ids
    assert bus.ids() == [ids[:10], ids[10:20], ids[20:]]


def test_nothing_to_send_is_nothing_sent(bus: Bus) -> None:
    assert App("shop").send_sync([]) == []
    assert bus.requests == []


def test_e5_what_is_refused_is_sent_again_alone(bus: Bus) -> None:
    bus.answers(None, "ThrottlingException", None, "InternalFailure")
    bus.answers("ThrottlingException", None)
    bus.answers(None)
    assert App("shop").send_sync([Event("paid", id=f"e{n}") for n in range(4)]) == ["e0", "e1", "e2", "e3"]
    assert bus.ids() == [["e0", "e1", "e2", "e3"], ["e1", "e3"], ["e1"]]


def test_e5_a_batch_of_25_in_which_two_are_refused_ends_in_an_error_that_names_the_two(bus: Bus) -> None:
    bus.answers(*[None] * 3, "ThrottlingException", *[None] * 6)
    for _ in range(2):
        bus.answers("ThrottlingException")
    bus.answers(*[None] * 10)
    bus.answers("InternalFailure", *[None] * 4)
    for _ in range(2):
        bus.answers("InternalFailure")
    with pytest.raises(SendError) as caught:
        App("shop").send_sync([Event("paid", id=f"e{n}") for n in range(25)])
    assert caught.value.failed == (("e3", "ThrottlingException: why"), ("e20", "InternalFailure: why"))
    assert "2 of 25" in str(caught.value)
    assert [len(batch) for batch in bus.requests] == [10, 1, 1, 10, 5, 1, 1], "what comes after goes all the same"


def test_e10_a_batch_whose_second_request_cannot_connect_names_what_went_and_keeps_the_rest(bus: Bus) -> None:
    bus.answers(*[None] * 9, "ThrottlingException")
    bus.answers(None)
    bus.fails(EndpointConnectionError(endpoint_url="https://events"))
    with pytest.raises(SendError, match="the bus may not have 10 of 25 events: ") as caught:
        App("shop").send_sync([Event("paid", {"n": n}, id="mine" if n == 12 else "") for n in range(25)])
    error, ids = caught.value, [each for batch in (bus.ids()[0], bus.ids()[2]) for each in batch]
    assert list(error.accepted) == ids[:10]
    assert [event_id for event_id, _ in error.unknown] == ids[10:]
    assert {reason for _, reason in error.failed} == {"not sent, since a request before it failed"}
    assert [event.data["n"] for event in error.left] == list(range(10, 25))
    assert [event.id for event in error.left[:10]] == ids[10:]
    assert (len({event.id for event in error.left}), error.left[2].id) == (15, "mine")
    assert isinstance(error.__cause__, EndpointConnectionError)
    for size in (10, 5):
        bus.answers(*[None] * size)
    assert App("shop").send_sync(error.left) == [event.id for event in error.left], "sent again, they keep their ids"


@pytest.mark.parametrize(("status", "is_unknown"), [(400, False), (500, True)])
def test_e10_a_request_that_is_refused_as_a_whole_went_nowhere_and_a_broken_one_may_have(
    bus: Bus, status: int, is_unknown: bool
) -> None:
    bus.refuses(status)
    with pytest.raises(SendError) as caught:
        App("shop").send_sync([Event("paid", id="e0"), Event("paid", id="e1")])
    named = caught.value.unknown if is_unknown else caught.value.failed
    assert [event_id for event_id, _ in named] == ["e0", "e1"]
    assert len(caught.value.left) == 2
    assert caught.value.accepted == ()


def test_e10_what_a_middleware_changed_is_left_as_it_was_given(bus: Bus) -> None:
    class Sealed(Middleware):
        def before_send_events(self, events: Sequence[Event]) -> list[Event]:
            return [replace(event, data={"sealed": event.data}) for event in events]

    bus.answers(None, "ThrottlingException")
    for _ in range(2):
        bus.answers("ThrottlingException")
    app = App("shop", middleware=[Sealed])
    with pytest.raises(SendError) as caught:
        app.send_sync([Event("paid", {"n": 0}), Event("paid", {"n": 1})])
    [left] = caught.value.left
    assert (left.data, left.id) == ({"n": 1}, bus.ids()[0][1])


CANNOT_GO = [
    pytest.param(Event("x" * 129), "at most 128", id="name"),
    pytest.param(Event(""), "1 to 128", id="no name"),
    pytest.param(Event("paid", []), "data is a list; give a JSON object", id="data"),  # type: ignore[arg-type]
    pytest.param(Event("paid", {"at": datetime(2027, 1, 1)}), "'paid' at data.at is a datetime", id="no json"),  # noqa: DTZ001
    pytest.param(Event("paid", user={"id": {1}}), "at user.id is a set", id="user"),
    pytest.param(Event("paid", user="u-1"), "user is a str; give a JSON object, or None", id="user as text"),  # type: ignore[arg-type]
    pytest.param(Event("paid", user=[]), "user is a list; give a JSON object, or None", id="user as list"),  # type: ignore[arg-type]
    pytest.param(Event("paid", id="ä" * 257), "give a string of at most 512 bytes", id="id"),
    pytest.param(Event("paid", id=7), "id is 7; give a string", id="number as id"),  # type: ignore[arg-type]
    pytest.param(
        Event("paid", {"x": "x" * MAX_ENTRY}, id="big"), r"'paid' \(big\) has 1,0\d\d,\d\d\d bytes", id="size"
    ),
    pytest.param(Event("paid", {"x": "ä" * (MAX_ENTRY // 2)}), "the bus carries at most 1,044,480", id="size in bytes"),
    pytest.param(Event("paid", {"pages": ["a\uffff"]}), r"holds U\+FFFF, which SQS refuses", id="no character"),
    pytest.param(Event("paid\ufffe"), r"has U\+FFFE, which SQS refuses", id="no character in the name"),
    pytest.param({"name": "paid"}, "is not an event: give tarry.Event", id="dict"),
]


@pytest.mark.parametrize(("event", "says"), CANNOT_GO)
def test_e6_e7_an_event_that_cannot_go_is_an_error_before_anything_is_sent(bus: Bus, event: Event, says: str) -> None:
    with pytest.raises(EventError, match=says):
        App("shop").send_sync([*(Event("paid") for _ in range(12)), event])
    assert bus.requests == []


@pytest.mark.parametrize("name", ["order paid #7", "größe/😀"])
def test_e7_a_name_of_any_characters_goes(bus: Bus, name: str) -> None:
    assert sent_alone(bus, Event(name))["DetailType"] == name


def test_events_that_are_large_together_go_in_requests_that_a_bus_of_256_kilobytes_takes(bus: Bus) -> None:
    """AWS's older limit, which a region may still have. It is that of the whole request."""
    for answers in ([None, None], [None], [None, None]):
        bus.answers(*answers)
    large = [Event("paid", {"x": "x" * size}) for size in (130_000, 130_000, 500_000, 100_000, 100_000)]
    App("shop").send_sync(large)
    assert [[len(entry["Detail"]) // 1_000 for entry in batch] for batch in bus.requests] == [
        [130, 130],
        [500],
        [100, 100],
    ]


def test_the_largest_event_goes(bus: Bus) -> None:
    frame = len('{"v":1,"id":"e","ts":1,"data":{"x":""}}') + len("tarry.shop") + len("paid") + 14
    bus.answers(None)
    App("shop").send_sync(Event("paid", {"x": "x" * (MAX_ENTRY - frame)}, id="e", ts=1))
    with pytest.raises(EventError, match="1,044,481 bytes"):
        App("shop").send_sync(Event("paid", {"x": "x" * (MAX_ENTRY - frame + 1)}, id="e", ts=1))
