"""Whose internal events a wait or a trigger is for."""

import pytest

from tarry import ExpressionError
from tarry_backend.matching import Condition, of_own_source, reads_source

FINISHED = "tarry/function.finished"


@pytest.mark.parametrize(
    "condition",
    [
        Condition(),
        Condition(expression="async.data.source == 'x'"),
        Condition(expression="event.source == async.data.s"),
        Condition(expression="async.data['source'] == 'x'"),
        Condition(expression="async['id'] == 'source'"),
        Condition(expression="async.data.id == id", bind={"id": 1}),
        Condition(where={"data.run_id": "r"}),
    ],
)
def test_a_wait_for_an_internal_event_sees_only_those_of_its_own_source(condition: Condition) -> None:
    own = of_own_source(FINISHED, condition, "shop")
    assert own.where == {**(condition.where or {}), "source": "shop"}
    assert (own.expression, own.bind) == (condition.expression, condition.bind)


@pytest.mark.parametrize(
    "condition",
    [
        Condition(expression="async.source == 'x'"),
        Condition(expression="async['source'] == 'x'"),
        Condition(expression="has(async.source) || async.data.n > 1"),
        Condition(expression="async.data.n > 1 && async.source.startsWith('x')"),
        Condition(where={"source": "other"}),
    ],
)
def test_a_wait_that_asks_for_the_source_decides_itself(condition: Condition) -> None:
    assert of_own_source(FINISHED, condition, "shop") is condition


@pytest.mark.parametrize("name", ["order/paid", "tarryx", "x/tarry/function.finished"])
def test_an_event_of_the_apps_own_names_may_have_any_source(name: str) -> None:
    condition = Condition(where={"data.a": 1})
    assert of_own_source(name, condition, "shop") is condition


def test_a_condition_that_is_not_valid_is_an_error_as_the_user_wrote_it() -> None:
    with pytest.raises(ExpressionError) as caught:
        of_own_source(FINISHED, Condition(expression="async.data.a =="), "shop")
    assert caught.value.expression == "async.data.a =="


@pytest.mark.parametrize(
    ("expression", "variable", "reads"),
    [
        ("event.source == 'x'", "event", True),
        ("event.source == 'x'", "async", False),
        ("event['source'] == async.source", "async", True),
        ("has(event.source)", "event", True),
        ("event.data.source == 'x'", "event", False),
        ("event.id == 'source'", "event", False),
    ],
)
def test_an_expression_reads_the_source_of_one_event(expression: str, variable: str, reads: bool) -> None:
    assert reads_source(expression, variable) is reads


def test_only_an_expression_over_events_can_read_a_source() -> None:
    with pytest.raises(ExpressionError):
        reads_source("source == 'x'", "event")
