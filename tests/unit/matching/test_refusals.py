"""The error of a condition that cannot be: it names the path of ``where``, or the place in the expression."""

from typing import Any

import pytest

from tarry import ExpressionError
from tarry_backend.matching import Condition
from tests.unit.matching.scenario import event, planned

LARGE = "x" * 70_000


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize("rest", [None, "async.data.total > 1"])
@pytest.mark.parametrize(
    ("where", "path", "problem"),
    [
        ({"data.a": 1, "data.b": nested(200), "data.c": 1}, "data.b", "a value is nested more than 100 deep"),
        ({"data.a": 1, "data.b": LARGE, "data.c": 1}, "data.b", "have more than 64,000 characters"),
        ({"data.a": nested(200), "data.b": 1}, "data.a", "a value is nested more than 100 deep"),
        ({"data.a": 1, "nowhere": 1}, "nowhere", "a path begins with a field of the event"),
    ],
)
def test_the_error_names_the_path_of_where_whose_value_cannot_be(
    where: dict[str, Any], path: str, problem: str, rest: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        planned(Condition(expression=rest, where=where), event(), indexed=False)
    error = caught.value
    assert (error.expression, error.position, error.owner) == (path, None, "where")
    assert problem in error.problem


@pytest.mark.parametrize("where", [None, {"data.a": 1}])
@pytest.mark.parametrize(
    ("expression", "place", "problem"),
    [
        ("async.data.b > event.data.gone", "event.", "event.data.gone is missing in the event that started the run"),
        ("async.data.b > limit && async.data.c > limit + 'x'", "limit +", "no '+' for int and string"),
        ("async.data.b.matches('(')", "async.", "'(' is not a pattern: missing ): ("),
    ],
)
def test_the_error_names_the_place_in_the_expression_beside_a_where(
    expression: str, place: str, problem: str, where: dict[str, Any] | None
) -> None:
    bind = {"limit": 1} if "limit" in expression else None
    with pytest.raises(ExpressionError) as caught:
        planned(Condition(expression=expression, where=where, bind=bind), event())
    error = caught.value
    assert (error.expression, error.problem, error.owner) == (expression, problem, "")
    assert error.position is not None
    assert error.position >= expression.index(place)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("1 == event.data.gone || async.data.a > 1", "event.data.gone is missing"),
        ("async.data.a != 1 && async.data.b != event.data.large", "have more than 64,000 characters"),
        ("async.data.a != 1 && async.data.b != event.data.deep", "nested more than 100 deep"),
    ],
)
def test_the_error_is_at_the_field_of_the_trigger_that_cannot_be(expression: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        planned(expression, event({"large": LARGE, "deep": nested(200)}))
    assert problem in caught.value.problem
    assert caught.value.problem.endswith(" in the event that started the run")
    assert caught.value.position == expression.index("event.data")
