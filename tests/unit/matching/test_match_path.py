"""``match="data.userId"``."""

from typing import Any

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import match_expression
from tests.unit.matching.scenario import MATCH, by_key, event, outcome, planned


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("data.userId", ".data.userId"),
        ("data.user-id", '.data["user-id"]'),
        ("data.items[0].sku", ".data.items[0].sku"),
        ("data.grid[1][20]", ".data.grid[1][20]"),
        ("data._1.a1", ".data._1.a1"),
        ("data.1a", '.data["1a"]'),
        ("data.0", '.data["0"]'),
        ("data.true.in.null", '.data["true"]["in"]["null"]'),
        ('data.say "hi"\\', '.data["say \\"hi\\"\\\\"]'),
        ("data.schlüssel", '.data["schlüssel"]'),
        ("data.\U0001d11e", '.data["\U0001d11e"]'),
        ("data", ".data"),
        ("id", ".id"),
        ("user.id", ".user.id"),
    ],
)
def test_a_path_is_an_equality_of_both_sides(path: str, steps: str) -> None:
    expression = match_expression(path)
    assert expression == f"async{steps} == event{steps}"
    trigger = event(_holding(path), user={"id": 1})
    assert by_key(planned(expression, trigger))


def _holding(path: str) -> dict[str, Any]:
    """Data that has something at the path."""
    return {
        "userId": 1,
        "user-id": 1,
        "items": [{"sku": 1}],
        "grid": [[], list(range(21))],
        "_1": {"a1": 1},
        "1a": 1,
        "0": 1,
        "true": {"in": {"null": 1}},
        path.partition(".")[2]: 1,
    }


def test_a_match_is_a_match() -> None:
    assert outcome(match_expression("data.user-id"), {"user-id": 1}, {"user-id": 1.0}) == MATCH


@pytest.mark.parametrize(
    ("path", "position", "problem"),
    [
        ("", 0, "a path begins with a field of the event: data, id, name, source, ts, user"),
        ("userId", 0, "a path begins with a field of the event"),
        ("[0].a", 0, "a path begins with a field of the event"),
        (" data.a", 0, "a path begins with a field of the event"),
        (".data", 0, "a path begins with a field of the event"),
        ("data..a", 4, "expected a path such as 'data.userId'"),
        ("data.", 4, "expected a path such as"),
        ("data.a[x]", 6, "expected a path such as"),
        ("data.a[0", 6, "expected a path such as"),
        ("data.a[-1]", 6, "expected a path such as"),
        ("data.a[0]b", 9, "expected a path such as"),
        ("data.a]", 6, "expected a path such as"),
    ],
)
def test_what_is_no_path_is_an_error(path: str, position: int, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem) as raised:
        match_expression(path)
    assert (raised.value.expression, raised.value.position) == (path, position)
