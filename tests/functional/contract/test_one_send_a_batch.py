"""A matcher sends what follows from its whole batch in tens, and each event is done only when its messages are sent."""

from collections import Counter
from typing import Any

import pytest
from botocore.client import BaseClient

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.matcher import outbox
from tarry_backend.queues.messages import Start, decode
from tarry_dev.cloud import Call, Host

PLACED = TriggerEvent("placed")


class Sends:
    """The matcher's ``SendMessageBatch`` requests, by the ids of the events that they carry."""

    def __init__(self) -> None:
        self.events: list[list[str]] = []
        self.refused: set[str] = set()
        self.broken: set[str] = set()

    def note(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Note a request; return the answer of a queue that refuses some entries."""
        starts = [(entry["Id"], decode(entry["MessageBody"])) for entry in asked["Entries"]]
        ids = {place: start.carried.id for place, start in starts if isinstance(start, Start)}
        if not ids:
            return None
        self.events.append(list(ids.values()))
        if self.broken & set(ids.values()):
            raise OSError("the connection broke")
        refused = [place for place, event_id in ids.items() if event_id in self.refused]
        if not refused:
            return None
        failed = [{"Id": place, "Code": "InternalError", "SenderFault": False} for place in refused]
        return {"Failed": failed, "Successful": []}


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> Sends:
    noted, whole = Sends(), BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        answer = noted.note(asked) if operation == "SendMessageBatch" else None
        if answer is None:
            return whole(client, operation, asked)
        refused = {each["Id"] for each in answer["Failed"]}
        if left := [entry for entry in asked["Entries"] if entry["Id"] not in refused]:
            whole(client, operation, {**asked, "Entries": left})
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    monkeypatch.setattr("tarry_backend.queues.sender.time.sleep", lambda seconds: None)
    return noted


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine changes nothing."""
    monkeypatch.setattr(outbox, "PATIENCE", 1_000.0)


def note_each(app: App) -> None:
    @app.create_function(fn_id="note", trigger=PLACED)
    async def note(ctx: Context) -> str:
        return ctx.event.id


def events(count: int) -> list[Event]:
    return [Event("placed", id=f"e{number}") for number in range(count)]


def test_sixty_events_take_six_requests_for_their_sixty_starts(app: App, host: Host, sends: Sends) -> None:
    note_each(app)
    host.send(events(60))
    assert [len(ids) for ids in sends.events] == [10] * 6
    assert Counter(run.output for run in host.runs()) == Counter(event.id for event in events(60))


def test_large_starts_go_in_requests_that_a_queue_of_256_kilobytes_takes(app: App, host: Host, sends: Sends) -> None:
    """AWS's older limit, which a region may still have. It is that of the whole request."""
    note_each(app)
    host.cloud.send(Event("placed", {"x": "x" * 45_000}, id=f"e{number}") for number in range(10))
    host.cloud.pump()
    assert [len(each) for each in sends.events] == [5, 5]


def test_the_messages_of_a_batch_are_in_the_order_of_their_events(app: App, host: Host, sends: Sends) -> None:
    note_each(app)
    host.send(events(7))
    assert sends.events == [[event.id for event in events(7)]]


def test_an_event_whose_message_is_refused_comes_again_alone(app: App, host: Host, sends: Sends) -> None:
    note_each(app)
    sends.refused = {"e2"}
    host.send(events(5))
    assert {run.output for run in host.runs()} == {"e0", "e1", "e3", "e4"}
    assert len(host.cloud.queues["events"].messages) == 1
    sends.refused.clear()
    host.advance("5s")
    assert len(host.runs()) == 5
    assert sends.events[-1] == ["e2"]


def test_all_events_of_a_request_that_breaks_come_again_and_start_each_run_once(
    app: App, host: Host, sends: Sends
) -> None:
    note_each(app)
    sends.broken = {"e2"}
    host.send(events(5))
    assert host.runs() == []
    sends.broken.clear()
    host.advance("5s")
    assert {run.output for run in host.runs()} == {event.id for event in events(5)}
    assert host.dead_letters == []


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
def test_no_event_is_deleted_if_the_matcher_dies_over_the_send(app: App, host: Host, answered: bool) -> None:
    note_each(app)
    died: list[Call] = []

    def once(call: Call) -> bool:
        dies = not died and (call.function, call.operation, call.answered) == ("matcher", "SendMessageBatch", answered)
        died.extend([call] * dies)
        return dies

    with host.cloud.dies(once):
        host.send(events(4))
    assert died
    assert len(host.cloud.queues["events"].messages) == 4
    host.advance("3m")
    assert Counter(run.output for run in host.runs()) == Counter(event.id for event in events(4))


def test_an_event_that_fails_does_not_hold_back_what_others_start(app: App, host: Host, sends: Sends) -> None:
    note_each(app)
    with host.cloud.hold("events"):
        host.send(events(3))
        host.put_events({"Source": "tarry.shop", "DetailType": "placed", "Detail": '{"v": 1, "id": "", "data": {}}'})
    host.cloud.pump()
    assert sends.events == [["e0", "e1", "e2"]]
    assert len(host.runs()) == 3


def test_what_follows_from_an_event_does_not_wait_for_slow_ones_behind_it(
    app: App, host: Host, sends: Sends, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_each(app)
    monkeypatch.setattr(outbox, "PATIENCE", -1.0)
    host.send(events(3))
    assert sends.events == [["e0"], ["e1"], ["e2"]]


def test_an_event_that_starts_many_functions_sends_them_at_once_and_after_those_before_it(
    app: App, host: Host, sends: Sends
) -> None:
    for number in range(25):
        note_many(app, number)
    note_each(app)
    host.send([Event("placed", id="e0"), Event("many", id="m"), Event("placed", id="e1")])
    assert sends.events[0] == ["e0"]
    assert sorted(map(len, sends.events[1:4])) == [5, 10, 10]
    assert sends.events[4] == ["e1"]
    assert len(host.runs()) == 27


def note_many(app: App, number: int) -> None:
    @app.create_function(fn_id=f"many-{number}", trigger=TriggerEvent("many"))
    async def many(ctx: Context) -> str:
        return ctx.event.id
