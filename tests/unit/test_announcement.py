"""What the bus is told of a run's end fits it, whatever a run has."""

import json
import string
from dataclasses import replace
from typing import Any

import pytest

from tarry import Event
from tarry._wire.bus import EventBus
from tarry._wire.limits import MAX_ENTRY
from tarry_backend.events.announcement import announcement
from tarry_backend.model.cancellation import Cancellation, Reason
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.replay import Failure

PLACED = Event("placed", {"n": 1}, id="p-1", ts=5, user={"id": 3}, source="shop")
RUN = Run(id="R" * 26, function_id="f" * 72, event=PLACED, received_at=0, started=0, ended=9)
ERROR = Failure("ValueError", "no box", "the stack")


def told(**fields: Any) -> Event:
    """The announcement, which the bus takes."""
    event = announcement(replace(RUN, **fields))
    EventBus("a" * 64)._entry(event)
    return event


def large(size: int, of: str = "x") -> Event:
    return replace(PLACED, data={"text": of * size})


@pytest.mark.parametrize(
    ("fields", "name", "more"),
    [
        ({"status": RunStatus.FINISHED, "output": "[1]"}, "finished", {"result": [1]}),
        ({"status": RunStatus.FAILED, "error": ERROR}, "failed", {"error": {"name", "message", "stack"}}),
        ({"status": RunStatus.CANCELLED}, "cancelled", {}),
    ],
    ids=["finished", "failed", "cancelled"],
)
def test_it_names_function_and_run_and_says_how_it_began_and_ended(
    fields: dict[str, Any], name: str, more: dict[str, Any]
) -> None:
    event = told(**fields)
    assert (event.name, event.id, event.ts) == (f"tarry/function.{name}", f"{RUN.id}-{name}", 9)
    begun = {"function_id": RUN.function_id, "run_id": RUN.id}
    assert {key: event.data[key] for key in begun} == begun
    assert event.data["event"] == {
        "name": "placed",
        "data": {"n": 1},
        "id": "p-1",
        "ts": 5,
        "user": {"id": 3},
        "source": "shop",
    }
    assert event.data.keys() == {*begun, "event", *more}


@pytest.mark.parametrize(("size", "fits"), [(1_042_000, True), (1_044_000, False)])
def test_an_event_is_left_out_only_if_it_does_not_fit_with_the_error(size: int, fits: bool) -> None:
    data = told(status=RunStatus.FAILED, error=ERROR, event=large(size)).data
    assert ("event" in data, "truncated" in data) == (fits, not fits)
    assert data["error"]["message"] == "no box"


def test_size_counts_in_bytes_of_utf_8() -> None:
    assert "event" in told(status=RunStatus.CANCELLED, event=large(500_000, "ä")).data
    assert told(status=RunStatus.CANCELLED, event=large(600_000, "ä")).data["truncated"] is True


def test_a_result_comes_before_the_event() -> None:
    data = told(status=RunStatus.FINISHED, output=json.dumps("x" * 600_000), event=large(600_000)).data
    assert ("result" in data, "event" in data, data["truncated"]) == (True, False, True)
    data = told(status=RunStatus.FINISHED, output=json.dumps("x" * 2 * MAX_ENTRY)).data
    assert ("result" in data, "event" in data, data["truncated"]) == (False, True, True)


@pytest.mark.parametrize("character", ["x", "ä", "\x00"], ids=["x", "two bytes", "six bytes"])
def test_an_error_that_is_no_end_of_text_is_cut(character: str) -> None:
    end = string.ascii_letters
    error = Failure("ValueError", character * 2_000_000, character * 2_000_000 + end)
    data = told(status=RunStatus.FAILED, error=error).data
    assert data["truncated"] is True
    assert data["event"]["id"] == "p-1"
    assert (data["error"]["name"], data["error"]["message"]) == ("ValueError", character * 50_000)
    assert data["error"]["stack"].endswith(end)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


UNSENDABLE: dict[str, tuple[Any, str]] = {
    "infinity": (json.loads("1e400"), "infinite number"),
    "half a surrogate pair": ("\ud83d", "half of a surrogate pair"),
    "what SQS refuses": ("a\uffff", "U+FFFF, which SQS refuses"),
    "467 levels": (nested(467), "deeper than"),
    "a megabyte": ("x" * MAX_ENTRY, "bytes; the bus carries"),
}


@pytest.mark.parametrize(("value", "why"), UNSENDABLE.values(), ids=UNSENDABLE)
def test_an_event_that_the_bus_cannot_carry_is_replaced_by_a_note_of_why(value: Any, why: str) -> None:
    data = told(status=RunStatus.FAILED, error=ERROR, event=replace(PLACED, data={"a": value})).data
    assert ("event" in data, data["error"]["message"]) == (False, "no box")
    assert why in data["left_out"]["event"]


@pytest.mark.parametrize("text", ["1e400", json.dumps("\ud83d"), json.dumps("x" * MAX_ENTRY), "[" * 300 + "]" * 300])
def test_a_result_that_the_bus_cannot_carry_leaves_its_event_alone(text: str) -> None:
    data = told(status=RunStatus.FINISHED, output=text).data
    assert (data["event"]["id"], data["left_out"].keys(), data["truncated"]) == ("p-1", {"result"}, True)


@pytest.mark.parametrize("levels", range(194, 202))
def test_what_it_says_of_the_depth_is_what_the_bus_says(levels: int) -> None:
    data = told(status=RunStatus.CANCELLED, event=replace(PLACED, data={"a": nested(levels)})).data
    assert ("event" in data) is (levels <= 197)


def test_an_error_with_a_character_that_sqs_refuses_is_announced_with_its_escape() -> None:
    data = told(status=RunStatus.FAILED, error=replace(ERROR, message="bad page: a\uffff")).data
    assert data["error"]["message"] == r"bad page: a\uffff"


def test_an_error_of_an_earlier_version_with_half_a_surrogate_pair_is_announced() -> None:
    data = told(status=RunStatus.FAILED, error=Failure("ValueError", "half \ud83d", "\ud83d")).data
    assert data["error"]["message"] == "half \\ud83d"


def test_nothing_at_all_may_go_along_and_the_end_is_announced() -> None:
    odd = replace(PLACED, id="\ud83d", data={"a": json.loads("1e400")})
    cancelled = Cancellation(Reason.EVENT, event_name="stop", event_id="\ud83d")
    data = told(status=RunStatus.CANCELLED, event=odd, cancellation=cancelled).data
    assert (data["reason"], data["left_out"].keys()) == ("event", {"event", "cancelled_by"})
