"""Match keys by themselves: what has one, and that open waits keep theirs when the code changes."""

from collections.abc import Callable
from typing import Any

import pytest

from tarry import Event
from tarry_backend.matching import evaluate_whole, match_key
from tests.unit.matching.scenario import NAME

AT_X = '[["data","x"]]'


def nested(wrap: Callable[[Any], Any], deep: int) -> Any:
    """Nothing, in as many lists or maps within each other."""
    value: Any = None
    for _ in range(deep):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"k": value}], ids=["list", "map"])
def test_a_value_has_a_key_if_it_is_nested_a_hundred_deep_and_none_if_it_is_deeper(wrap: Callable[[Any], Any]) -> None:
    assert match_key(NAME, AT_X, Event(NAME, {"x": nested(wrap, 100)})) is not None
    assert match_key(NAME, AT_X, Event(NAME, {"x": nested(wrap, 101)})) is None


def test_a_key_is_the_same_as_in_earlier_versions_so_that_open_waits_are_found() -> None:
    value = {"b": [1.0, True, None], "a": "ä"}
    assert match_key(NAME, AT_X, Event(NAME, {"x": value})) == "order/paid#c6d71dcb8d12cc12ee6d8be2b83d8f79"


@pytest.mark.parametrize("field", ["name", "id", "ts", "source", "user.id"])
def test_each_field_of_an_event_can_be_compared(field: str) -> None:
    event = Event(NAME, {}, id="e-1", ts=1_700_000_000_000, user={"id": "ada"}, source="shop")
    other = Event("other", {}, id="e-2", ts=1_700_000_000_001, user={"id": "bob"}, source="depot")
    question = f"async.{field} == event.{field}"
    assert evaluate_whole(question, event, event, 0) is True
    assert evaluate_whole(question, event, other, 0) is False
