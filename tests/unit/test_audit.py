"""The rows of the audit trail, and what Firehose is answered for its records."""

import base64
import json
from typing import Any

import pytest

from tarry_backend.events.audit_row import COLUMNS, Row, converted, day_of, row

NOON = 1_767_614_400_000

FOREIGN: dict[str, Any] = {
    "version": "0",
    "id": "7bf73129",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2026-01-05T11:59:58Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:s3:::orders"],
    "detail": {"b": 1.0, "a": ["é", None], "text": 'say "hi"\n'},
}

ENVELOPE = {"v": 1, "id": "paid-7", "ts": NOON + 5, "data": {"orderId": 7}, "user": {"id": "u-1"}}


def ours(**envelope: Any) -> Row:
    return row(FOREIGN | {"source": "tarry.shop", "detail": ENVELOPE | envelope}, NOON)


def record(data: bytes) -> dict[str, Any]:
    return {"recordId": "r-1", "approximateArrivalTimestamp": NOON, "data": base64.b64encode(data).decode()}


def test_an_event_of_anybodys_is_its_detail() -> None:
    assert row(FOREIGN, NOON) == {
        "received": "2026-01-05 12:00:00.000",
        "time": "2026-01-05 11:59:58.000",
        "name": "Object Created",
        "source": "aws.s3",
        "id": "7bf73129",
        "data": '{"b":1.0,"a":["é",null],"text":"say \\"hi\\"\\n"}',
        "user_data": None,
        "eventbridge_id": "7bf73129",
        "account": "111122223333",
        "region": "eu-west-1",
        "resources": '["arn:aws:s3:::orders"]',
    }


def test_an_event_of_the_sdks_has_the_id_time_data_and_user_that_its_sender_gave() -> None:
    found = ours()
    assert (found["id"], found["eventbridge_id"]) == ("paid-7", "7bf73129")
    assert found["time"] == "2026-01-05 12:00:00.005"
    assert (found["data"], found["user_data"]) == ('{"orderId":7}', '{"id":"u-1"}')


@pytest.mark.parametrize("spoilt", [{"data": 7}, {"id": None}, {"ts": "now"}, {"user": "ada"}])
def test_what_tarry_does_not_take_for_an_event_is_in_the_trail_as_it_came(spoilt: dict[str, Any]) -> None:
    found = ours(**spoilt)
    assert found["id"] == "7bf73129"
    assert found["time"] == "2026-01-05 11:59:58.000"
    assert json.loads(found["data"] or "") == ENVELOPE | spoilt


@pytest.mark.parametrize("ts", [10**15, -(10**15), 10**30])
def test_a_time_that_no_calendar_has_gives_way_to_eventbridges(ts: int) -> None:
    assert ours(ts=ts)["time"] == "2026-01-05 11:59:58.000"


def test_any_json_object_has_a_row() -> None:
    found = row({}, NOON)
    assert found["received"] == "2026-01-05 12:00:00.000"
    assert found["data"] == "null"
    assert found.keys() == {column.name for column in COLUMNS}


def test_half_a_surrogate_pair_does_not_stop_the_rest() -> None:
    found = row(FOREIGN | {"id": "x\ud800", "detail": {"text": "\ud800"}}, NOON)
    assert found["id"] == "x?"
    assert json.loads(found["data"] or "") == {"text": "?"}


def test_firehose_is_given_the_row_as_json() -> None:
    answer = converted(record(json.dumps(FOREIGN).encode()))
    assert (answer["recordId"], answer["result"]) == ("r-1", "Ok")
    assert json.loads(base64.b64decode(answer["data"])) == row(FOREIGN, NOON)


@pytest.mark.parametrize("data", [b"", b"no json", b"[1]", b"\xff"])
def test_what_is_no_json_object_comes_back_as_it_is_for_the_errors_folder(data: bytes) -> None:
    sent = record(data)
    assert converted(sent) == {"recordId": "r-1", "result": "ProcessingFailed", "data": sent["data"]}


def test_the_largest_record_makes_no_more_than_lambda_may_answer() -> None:
    """1,000 KiB are the most that Firehose takes, and beside one that is there another megabyte may be."""
    detail = {"text": '"' * 510_000}
    sent = json.dumps(FOREIGN | {"detail": detail}).encode()
    assert 1_000_000 < len(sent) <= 1_024_000
    assert 2 * len(converted(record(sent))["data"]) < 6 * 1024**2


def test_the_day_is_that_of_utc() -> None:
    assert day_of(NOON - 12 * 3_600_000) == "2026-01-05"
    assert day_of(NOON - 12 * 3_600_000 - 1) == "2026-01-04"
