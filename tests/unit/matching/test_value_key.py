"""The key of an idempotency expression's value: the same for equal values, and for no others."""

import hashlib

import pytest

from tarry import ExpressionError
from tarry_backend.matching import MatchError, value_key
from tests.unit.matching.scenario import RECEIVED_AT, event


def key(expression: str, received_at: int = RECEIVED_AT, **data: object) -> str:
    return value_key(expression, event(data), received_at)


def test_equal_values_have_one_key_and_others_another() -> None:
    values = [1, 2, "1", True, None, [1], [1, 2], {"a": 1}, {"a": 2}]
    assert len({key("event.data.a", a=value) for value in values}) == len(values)
    assert key("event.data.a", a=1) == key("event.data.a", a=1.0) == key("event.data.b - 1", b=2)


def test_a_value_key_does_not_change_between_releases() -> None:
    """Starts are found by it for a day."""
    assert key("event.data.a", a=1) == hashlib.sha256(b"1").hexdigest()[:32] == "6b86b273ff34fce19d6b804eff5a3f57"


def test_now_is_when_the_event_was_received() -> None:
    later = "now() > timestamp('2025-01-01T12:00:00.500Z')"
    assert key(later, RECEIVED_AT + 501) == key("true") != key(later, RECEIVED_AT + 500) == key("false")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("event.data.gone", "event.data.gone is missing"),
        ("now()", "the expression has a value of type timestamp, which has no key"),
        ("[event.data.a, b'x']", "the expression has a value of type list, which has no key"),
        ("event.data.large", "the value of the expression is too large for a key"),
    ],
)
def test_a_value_without_a_key_is_an_error_that_says_why(expression: str, problem: str) -> None:
    with pytest.raises(MatchError) as caught:
        key(expression, a=1, large=list(range(6_000)))
    assert caught.value.problem == problem


@pytest.mark.parametrize("expression", ["async.data.a", "event.data.a ==", "other"])
def test_the_expression_is_over_the_one_event(expression: str) -> None:
    with pytest.raises(ExpressionError):
        key(expression, a=1)
