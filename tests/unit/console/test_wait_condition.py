"""What a wait is for, in words, and an event that would resolve it."""

from typing import Any

import pytest

from tarry import Event
from tarry_backend.matching import Condition, evaluate_whole
from tarry_backend.model.position import Position
from tarry_backend.model.step import Wait
from tarry_dev.console.wait_condition import condition_words, filled_data

TRIGGER = Event("order/placed", {"id": 7, "total": 100, "who": {"name": "ada"}, "tags": ["a", "b"]}, "e1", 5)


def wait(expression: str | None, where: dict[str, Any] | None = None, bind: dict[str, Any] | None = None) -> Wait:
    return Wait(
        event_name="order/paid",
        expression=expression,
        since=Position(0),
        deadline=1,
        alternatives=(),
        where=where,
        bind=bind,
    )


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (None, ""),
        ("async.data.id == event.data.id", "data.id = 7"),
        (
            "event.data.id == async.data.id && async.data.amount >= event.data.total",
            "data.id = 7 and data.amount >= 100",
        ),
        ("async.data.user == event.data.who.name", 'data.user = "ada"'),
        ("async.data.items[0].sku == event.data.tags[1]", 'data.items[0].sku = "b"'),
        ("async.data['odd-name'] == 1", "data.odd-name = 1"),
        ("async.data.a == 1 || async.data.b == 2", "(data.a == 1) || (data.b == 2)"),
        ("has(async.data.id)", "has(data.id)"),
        ("async.data.gone == event.data.gone", "data.gone == event.data.gone"),
    ],
)
def test_a_condition_is_said_with_the_values_of_the_run(expression: str | None, words: str) -> None:
    assert condition_words(wait(expression), TRIGGER) == words


def test_where_and_bind_are_said_with_their_values() -> None:
    assert condition_words(wait(None, where={"data.orderId": "o-1"}), TRIGGER) == 'data.orderId = "o-1"'
    assert condition_words(wait("async.data.n > limit", bind={"limit": 5}), TRIGGER) == "data.n > 5"


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.id == event.data.id",
        "async.data.id == event.data.id && async.data.who.name == 'ada' && async.data.tags[1] == 'x'",
        "event.data.total == async.data['odd-name']",
    ],
)
def test_the_filled_in_event_resolves_the_wait(expression: str) -> None:
    data = filled_data(wait(expression), TRIGGER, {"id": 1, "other": True})
    incoming = Event("order/paid", data, "e2", 6)
    assert evaluate_whole(Condition(expression=expression), TRIGGER, incoming, 6)
    assert data["other"] is True


def test_what_no_equality_asks_for_is_left_as_the_sample_has_it() -> None:
    assert filled_data(wait("async.data.amount > 5"), TRIGGER, {"amount": 1}) == {"amount": 1}
    assert filled_data(wait("async.name == 'x'"), TRIGGER) == {}
    assert filled_data(wait(None), TRIGGER, {"a": [1]}) == {"a": [1]}
    assert filled_data(wait("async.data.a[100000] == 1"), TRIGGER) == {"a": []}
