"""Waits, triggers and keys in Inngest's dialect: what the trigger lacks, what becomes a key, what people are shown."""

from typing import Any

import pytest

from tarry._cel.declarations import check_declarations
from tarry._cel.dialect import Dialect
from tarry.cancel import Cancel
from tarry.errors import ExpressionError
from tarry.triggers import TriggerEvent
from tarry_backend.matching import (
    Condition,
    MatchError,
    evaluate_whole,
    plan,
    trigger_conjuncts,
    trigger_holds,
    value_key,
    wait_conjuncts,
)
from tarry_backend.matching.residual import INNGEST_MARK
from tests.unit.matching.scenario import COUNTED, MATCH, NONE, RECEIVED_AT, Outcome, event, planned, resolved

TRIGGER = event({"s": "x", "n": 5, "nul": None, "t": True, "l": ["x", "y"]})
EMPTY: dict[str, Any] = {}
NULLS = {"s": "x", "n": 5, "nul": None, "id": None, "t": True}
OTHERS = {"s": "y", "n": -1, "id": "7", "t": False}


def inngest(expression: str) -> Condition:
    return Condition(expression=expression, dialect="inngest")


def outcome(expression: str, incoming: dict[str, Any]) -> Outcome:
    return resolved(planned(inngest(expression), TRIGGER), event(incoming))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("event.data.id == async.data.id", [True, True, False]),
        ("async.data.id == event.data.id", [False, True, False]),
        ("event.data.id != async.data.id", [False, False, True]),
        ("async.data.id != event.data.id", [True, False, True]),
        ("event.data.l[5] == async.data.id", [True, True, False]),
        ("event.user.id == async.user.id", [True, True, True]),
        ("event.data.s.yy == async.data.id", [True, True, False]),
        ("!(event.data.id != async.data.id)", [True, True, False]),
        ("event.data.n > async.data.n", [True, False, True]),
        ("event.data.id == 'x'", [False, False, False]),
        ("event.data.id != 'x'", [True, True, True]),
        ("event.data.id == null && async.data.s == 'x'", [False, True, False]),
        ("event.data.id == async.data.id && async.data.s == 'x'", [False, True, False]),
        ("event.data.id == async.data.id || async.data.s == 'x'", [True, True, False]),
        ("event.data.nul == async.data.id", [True, True, False]),
        ("async.data.id == event.data.nul", [True, True, False]),
        ("event.data.t && async.data.s == 'x'", [False, True, False]),
        ("async.data.s in event.data.l", [False, True, True]),
        ("async.data.t", [False, True, False]),
        ("!async.data.t", [False, False, True]),
    ],
)
def test_a_wait_answers_as_on_inngest_for_events_that_lack_all_have_nulls_or_other_values(
    expression: str, expected: list[bool]
) -> None:
    """Asked of Inngest's own ``Interpolate`` and ``Evaluate`` at commit 253303c."""
    assert [outcome(expression, incoming) == MATCH for incoming in (EMPTY, NULLS, OTHERS)] == expected


@pytest.mark.parametrize(
    ("expression", "shape", "residual"),
    [
        ("event.data.s == async.data.s", '[["data","s"]]', None),
        ("async.data.s == 'x' && async.data.n == event.data.n", '[["data","n"],["data","s"]]', None),
        ("async.data.s in ['x', null]", '[["data","s"]]', None),
        ("async.data.flag", '[["data","flag"]]', None),
        ("async.data.flag && async.data.s == 'x'", '[["data","s"]]', "(async.data.flag ? true : false)"),
        ("async.data.s == 'x' && async.data.n != 1", '[["data","s"]]', "(async.data.n != 1)"),
        ("event.data.zz || async.data.s == 'x'", '[["data","s"]]', None),
        ("async.data.s == null", "*", "(async.data.s == null)"),
        ("async.data.s == event.data.nul", "*", "(async.data.s == b0)"),
        ("async.data.s == event.data.zz", "*", "(async.data.s == event)"),
        ("event.data.zz == async.data.s", "*", "(null == async.data.s)"),
        ("async.data.name || async.data.s == 'x'", "*", "(async.data.name || (async.data.s == 'x'))"),
        ("!(async.data.s != 'x')", "*", "(!(async.data.s != 'x'))"),
        ("async.data.s == 'x' && async.data.at > date(event.data.at)", '[["data","s"]]', "(async.data.at > b0)"),
    ],
)
def test_only_an_equality_with_a_constant_other_than_null_becomes_a_key(
    expression: str, shape: str, residual: str | None
) -> None:
    [one] = {
        alternative.shape: alternative for alternative in planned(inngest(expression), TRIGGER).alternatives
    }.values()
    text = None if one.residual is None else one.residual.removeprefix(INNGEST_MARK)
    assert (one.shape, text) == (shape, residual)


def test_a_residual_tells_its_dialect_and_a_strict_one_is_as_it_was() -> None:
    strict, other = (
        planned(Condition(expression="async.data.n != event.data.n", dialect=dialect), TRIGGER).alternatives[0]
        for dialect in DIALECTS
    )
    assert (strict.residual, strict.bindings) == ("(async.data.n != b0)", {"b0": 5})
    assert (other.residual, other.bindings) == ("//inngest\n(async.data.n != b0)", {"b0": 5.0})
    assert resolved(planned("async.data.n != event.data.n", TRIGGER), event({})) == COUNTED
    assert outcome("async.data.n != event.data.n", {}) == MATCH


DIALECTS: tuple[Dialect, ...] = ("tarry", "inngest")


def test_a_value_that_is_no_boolean_is_no_match_and_is_counted() -> None:
    assert outcome("async.data.s == 'x' && async.data.n + 1", {"s": "x", "n": 1}) == COUNTED
    assert outcome("async.data.s == 'x' && async.data.n + 1", {"s": "y", "n": 1}) == NONE
    assert outcome("async.data.s == 'x' && async.data.n", {"s": "x", "n": 1}) == NONE  # its key has true
    assert outcome("async.data.n && async.data.s == 'x'", {"s": "x", "n": 1}) == MATCH


def test_a_wait_names_what_the_trigger_lacks_but_not_what_it_is_asked_for() -> None:
    found = plan("paid", inngest("has(event.data.a) || event.data.b.c == async.data.c && event.data.d != 1"), TRIGGER)
    assert found.absent == ("event.data.b.c", "event.data.d")
    assert found.note == "event.data.b.c, event.data.d are missing in the event that started the run"


def test_no_field_of_the_trigger_is_asked_for_in_vain_in_the_strict_dialect_alone() -> None:
    with pytest.raises(ExpressionError, match="is missing in the event that started the run"):
        planned("async.data.id == event.data.id", TRIGGER)
    assert planned(inngest("async.data.id == event.data.id"), TRIGGER).alternatives


def test_a_trigger_takes_a_missing_field_as_the_table_says() -> None:
    for expression, expected in (("event.data.plan != 'free'", True), ("event.data.plan == 'pro'", False)):
        assert trigger_holds(expression, event({}), RECEIVED_AT, "inngest") is expected
        with pytest.raises(MatchError):
            trigger_holds(expression, event({}), RECEIVED_AT)


def test_a_key_takes_the_first_value_that_is_there_and_false_or_nothing_is_none() -> None:
    first = value_key("event.data.a || event.data.b", event({"b": "7"}), RECEIVED_AT, "inngest")
    assert first == value_key("event.data.b", event({"b": "7"}), RECEIVED_AT)
    for expression in ("event.data.a || event.data.b", "event.data.a", "event.data.f"):
        with pytest.raises(MatchError):
            value_key(expression, event({"f": False}), RECEIVED_AT, "inngest")


def test_a_condition_shows_what_the_event_lacks() -> None:
    parts = wait_conjuncts(inngest("async.data.id == 'x' && async.data.n && async.data.t"), TRIGGER, event({"n": 3}), 0)
    assert [(each.holds, str(each)) for each in parts] == [
        (False, "async.data.id == 'x': async.data.id is missing"),
        (True, "async.data.n: async.data.n is 3.0 (double)"),
        (None, "async.data.t: async.data.t is missing"),
    ]
    [part] = trigger_conjuncts("event.data.plan == 'pro'", event({}), 0, "inngest")
    assert (part.holds, part.problem) == (False, "event.data.plan is missing")


def test_an_order_with_null_beside_what_has_no_zero_is_no_match() -> None:
    with pytest.raises(MatchError, match="no order"):
        evaluate_whole(inngest("async.data.a < true"), TRIGGER, event({"a": None}), RECEIVED_AT)


def test_an_event_cannot_make_a_text_longer_without_end() -> None:
    many = {"l": [0] * 5_000, "s": "x"}
    with pytest.raises(MatchError, match="steps"):
        evaluate_whole(inngest("size(async.data.l.map(x, async.data.s + async.data.l)) > 0"), TRIGGER, event(many), 0)


@pytest.mark.parametrize("expression", ["'a' && event.data.s == 'x'", "event.data.a || event.data.b", "event.foo == 1"])
def test_a_declaration_may_have_what_inngest_takes(expression: str) -> None:
    check(expression, "inngest")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("event.data.s.lowerAscii() == 'x'", "unknown function"),
        ("foo == 1", "unknown name"),
        ("5 + 4", "is not a boolean"),
        ("event.data.s ==", "expected a value"),
    ],
)
def test_a_declaration_that_can_never_hold_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        check(expression, "inngest")


def check(expression: str, dialect: Dialect) -> None:
    trigger, cancel = TriggerEvent("a", expression), Cancel("b", if_exp=f"({expression}) && async.data.x == 1")
    check_declarations("function 'f'", [trigger], [cancel], {}, only_events=True, dialect=dialect)
