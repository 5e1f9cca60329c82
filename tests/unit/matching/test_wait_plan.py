"""What of an expression becomes a key, and what is left."""

from collections.abc import Mapping
from typing import Any

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import NAME_ONLY, Alternative, match_key, plan
from tests.unit.matching.scenario import COUNTED, MATCH, NAME, NONE, by_key, event, outcome, planned, resolved

TRIGGER = event({"id": "7", "n": 5, "vip": True, "at": "2025-01-01T00:00:00Z", "tags": ["p", "q"]})


def only(expression: str) -> Alternative:
    (alternative,) = planned(expression, TRIGGER).alternatives
    return alternative


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("async.data.id == event.data.id", '[["data","id"]]'),
        ("event.data.id == async.data.id", '[["data","id"]]'),
        ('async.data["a b"].c[0]["d"] == 1', '[["data","a b","c",0,"d"]]'),
        ('async["id"] == "x"', '[["id"]]'),
        ("async.data == event.data", '[["data"]]'),
        ("async.data.b == 1 && async.data.a == 2", '[["data","a"],["data","b"]]'),
        ("async.data.a == 2 && (async.data.b == 1 && true)", '[["data","a"],["data","b"]]'),
        ("async.data.a == 1 && async.data.a == 1.0", '[["data","a"]]'),
        ("async.data.a == lowercase(event.data.id) + string(event.data.n)", '[["data","a"]]'),
        ("async.data.flag && async.data.a == 1", '[["data","a"],["data","flag"]]'),
        ("!async.data.flag && true", '[["data","flag"]]'),
        ("!(async.data.a != 1 || async.data.b != 2)", '[["data","a"],["data","b"]]'),
        ("!(async.data.c ? async.data.a != 1 : true)", '[["data","a"],["data","c"]]'),
        ("event.data.vip && async.data.a == 1", '[["data","a"]]'),
        ("event.data.n > 9 || async.data.a == 1", '[["data","a"]]'),
        ("async.data.a in event.data.tags.filter(t, t != 'q')", '[["data","a"]]'),
        # A question that is compared with true or false is the question, or its opposite.
        ("(async.data.a == 1) == true", '[["data","a"]]'),
        ("event.data.vip == (async.data.a == 1)", '[["data","a"]]'),
        ("(async.data.a != 1) != event.data.vip", '[["data","a"]]'),
        ("event.data.vip != (async.data.a != 1)", '[["data","a"]]'),
        ("false == (async.data.a != 1 || async.data.b != 2)", '[["data","a"],["data","b"]]'),
        # An event with the key has the fields that lead to the value.
        ("has(async.data.a) && async.data.a == 1", '[["data","a"]]'),
        ("has(async.data.a.b) && has(async.data.a) && async.data.a.b[0].c == 1", '[["data","a","b",0,"c"]]'),
        ("has(async.data.a) ? async.data.a == 1 : false", '[["data","a"]]'),
        ("!(!has(async.data.a) || async.data.a != 1)", '[["data","a"]]'),
        # The trigger chooses the operand.
        ("(event.data.vip ? async.data.a : async.data.b) == 1", '[["data","a"]]'),
    ],
)
def test_equalities_are_all_in_the_key(expression: str, shape: str) -> None:
    found = only(expression)
    assert (found.shape, found.residual, found.bindings) == (shape, None, {})


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.a == async.data.b",
        "async.data.a != 1",
        "!(async.data.a == 1)",
        "!(async.data.a in [1, 2])",
        "1 in async.data.a",
        "async.data.a in {'k': 1}",
        "async.data.a + 1 == 2",
        "async.data[async.data.k] == 1",
        "async.data.items[-1] == 1",
        "async.data.items[0.0] == 1",
        "async == event",
        "now() == timestamp(event.data.at)",
        "has(async.data.a)",
        "!has(async.data.a) || async.data.a == 1",
        "(async.data.a == 1) == async.data.b",
        "(async.data.a == 1) == 'x'",
        "!((async.data.a == 1) == true)",
        "async.data.a in [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    ],
)
def test_what_is_no_equality_of_a_path_is_found_by_name(expression: str) -> None:
    found = only(expression)
    assert (found.shape, found.key) == (NAME_ONLY, match_key(NAME, NAME_ONLY, event()))
    assert found.residual is not None


@pytest.mark.parametrize(
    ("data", "expected"),
    [({"a": 1, "b": 2}, MATCH), ({"a": 1}, NONE), ({"b": 2}, NONE), ({"a": {"c": 3}}, MATCH), ({"a": {}}, NONE)],
)
def test_fields_that_are_asked_for_before_they_are_compared(data: Mapping[str, Any], expected: str) -> None:
    expression = (
        "has(async.data.a) && has(async.data.b) && async.data.a == 1"
        " || has(async.data.a) && has(async.data.a.c) && async.data.a.c == 3"
    )
    assert by_key(planned(expression, TRIGGER))
    assert outcome(expression, {}, data) == expected


@pytest.mark.parametrize("form", ["{} == true", "true == {}", "{} != false", "!({} == false)", "{} == event.data.vip"])
@pytest.mark.parametrize(("value", "expected"), [(1, MATCH), (1.0, MATCH), (True, NONE), ("1", NONE)])
def test_the_truth_of_a_question_is_the_question(form: str, value: object, expected: str) -> None:
    assert outcome(form.format("(async.data.a == 1)"), {"vip": True}, {"a": value}) == expected


def test_a_path_that_the_trigger_chooses_makes_no_shape_of_its_own() -> None:
    """Or there would be one shape for each run, and none would be left for the others."""
    found = only("async.data.votes[event.data.id] == true")
    assert (found.shape, found.residual, found.bindings) == (NAME_ONLY, "(async.data.votes[b0] == true)", {"b0": "7"})


def test_a_shard_of_the_name_has_a_key_of_its_own() -> None:
    keys = {match_key(NAME, shape, event()) for shape in (NAME_ONLY, "*0", "*1", "[]")}
    assert len(keys) == 4
    assert all(key is not None and key.startswith(f"{NAME}#") and len(key) == len(NAME) + 33 for key in keys)


def test_keys_do_not_change_between_releases() -> None:
    """Waits of a year are stored under them."""
    wait = planned('async.data.id == "7" && async.data.n == 1.0', TRIGGER)
    assert [one.key for one in wait.alternatives] == ["order/paid#f32b4a5d74aeb7126a5e002907a7bba2"]
    assert match_key(NAME, NAME_ONLY, event()) == "order/paid#5db7ac7564e3367fe892e70ae9b4ff08"


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("async.data.a in [1, 1.0, 2, '1']", 3),
        ("async.data.a == 1 || async.data.b == 2 || async.data.a == 1.0", 2),
        ("(async.data.a in [1, 2]) && (async.data.b in [1, 2]) && (async.data.c in [1, 2])", 8),
        ("async.data.c ? async.data.a == 1 : async.data.a == 2", 2),
        ("async.data.a in [1,2,3,4,5,6,7,8]", 8),
    ],
)
def test_alternatives_each_have_a_key(expression: str, count: int) -> None:
    wait = planned(expression, TRIGGER)
    assert by_key(wait)
    assert len({one.key for one in wait.alternatives}) == len(wait.alternatives) == count


@pytest.mark.parametrize(
    ("expression", "matching", "others"),
    [
        ("async.data.f && true", [True], [False, 1, None]),
        ("!async.data.f && true", [False], [True, 0, None]),
        ("async.data.f || async.data.f == 2", [True, 2], [False, 1]),
        ("async.data.f == 1 ? true : async.data.f == 2", [1, 2, 2.0], [3, "1"]),
        ("!(async.data.f == 1 ? false : async.data.f != 2)", [1, 2], [3]),
        ("async.data.f > 1 ? async.data.f in [2, 3] : async.data.f in [1, 4]", [1, 2, 3], [0, 4, "1"]),
        (" || ".join(f"async.data.f == {n}" for n in range(9)), [0, 8, 8.0], [9, -1]),
    ],
)
def test_each_alternative_leads_to_the_wait(expression: str, matching: list[object], others: list[object]) -> None:
    assert {outcome(expression, {}, {"f": value}) for value in matching} == {MATCH}
    assert MATCH not in {outcome(expression, {}, {"f": value}) for value in others}


def test_choices_within_conditions_do_not_double_the_work() -> None:
    nested = "async.data.f == 1"
    for _ in range(40):
        nested = f"({nested} ? async.data.f == 1 : async.data.f == 2)"
    assert outcome(nested, {}, {"f": 1}) == MATCH
    assert outcome(nested, {}, {"f": 3}) == NONE


def test_past_eight_alternatives_the_rest_still_leads_to_the_wait() -> None:
    many = "async.data.s in [1,2,3,4,5,6,7,8,9]"
    assert only(many).shape == NAME_ONLY
    assert only(f"async.data.id == event.data.id && {many}").shape == '[["data","id"]]'
    four = "(async.data.a in [1,2]) && (async.data.b in [1,2]) && (async.data.c in [1,2]) && async.data.d in [1,2]"
    assert len(planned(four, TRIGGER).alternatives) == 8
    assert outcome(four, {}, dict.fromkeys("abcd", 2)) == MATCH
    assert outcome(four, {}, dict.fromkeys("abcd", 2) | {"a": 3}) == NONE


def test_one_alternative_without_a_key_makes_the_whole_wait_one_by_name() -> None:
    found = only("async.data.a == 1 || async.data.n > 5")
    assert (found.shape, found.residual) == (NAME_ONLY, "((async.data.a == 1) || (async.data.n > 5))")


def test_one_key_is_stored_once_with_all_that_is_left_to_ask() -> None:
    found = only("async.data.a == 1 && async.data.n > 5 || async.data.a == 1.0 && async.data.n < event.data.n - 4")
    assert (found.residual, found.bindings) == ("((async.data.n > 5) || (async.data.n < b0))", {"b0": 1})
    twice = only("async.data.a == 1 && async.data.n > 5 || async.data.a == 1 && async.data.n > 5")
    assert twice.residual == "(async.data.n > 5)"
    absorbed = only("async.data.a == 1 && async.data.n > 5 || async.data.a == 1")
    assert absorbed.residual is None


@pytest.mark.parametrize(
    "expression",
    [
        "false",
        "event.data.n > 9",
        "event.data.vip == false && async.data.a > 1",
        "async.data.a == 1 && async.data.a == 2",
        "async.data.a == 1 && async.data.a in [2, 3]",
        "async.data.a in []",
        "!has(async.data.a) && async.data.a == 1",
        "!has(async.data.a) && async.data.a.b == 1",
        "false == (event.data.vip || async.data.a == 1)",
        "has(event.data.x) && async.data.id == event.data.x",
        "async.data.id == event.data.x && has(event.data.x)",
        "!(!has(event.data.x) || async.data.id != event.data.x)",
        "has(event.data.x) ? async.data.id == event.data.x : false",
        "async.data.list.exists(i, has(event.data.x) && i == event.data.x) && event.data.n == 0",
    ],
)
def test_what_can_never_be_true_never_is(expression: str) -> None:
    assert planned(expression, TRIGGER).never
    assert planned(expression, TRIGGER, indexed=False).never


@pytest.mark.parametrize("expression", ["true", "event.data.vip || async.data.a > 1", "event.data.x == 1 || true"])
def test_what_is_always_true_matches_every_event(expression: str) -> None:
    assert only(expression) == only("true")
    assert only(expression).key == match_key(NAME, NAME_ONLY, event())
    assert (only(expression).shape, only(expression).residual) == (NAME_ONLY, None)


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.id == event.data.x",
        "event.data.x == 1 || async.data.a == 1",
        "async.data.list.exists(i, i == event.data.x)",
        "async.data.c ? true : event.data.x == 1",
        "(async.data.a > 1 ? event.data.x : 1) == 1",
        "[async.data.a, event.data.x] == [1, 2]",
    ],
)
def test_what_the_trigger_lacks_is_an_error_wherever_it_matters(expression: str) -> None:
    with pytest.raises(ExpressionError, match=r"event\.data\.x is missing") as raised:
        plan(NAME, expression, TRIGGER)
    assert raised.value.position == expression.index("event.data.x")


@pytest.mark.parametrize(
    ("expression", "residual", "bindings"),
    [
        ("async.data.n > event.data.n + 1", "(async.data.n > b0)", {"b0": 6}),
        ("async.data.n > event.data.n * event.data.n", "(async.data.n > b0)", {"b0": 25}),
        ("async.data.n > 2 * 3", "(async.data.n > (2 * 3))", {}),
        ("async.data.x[event.data.id] != event.data.id", "(async.data.x[b0] != b0)", {"b0": "7"}),
        ("async.data.n > 5 // why\n", "(async.data.n > 5)", {}),
        ("size(async.data.x) > -1", "(size(async.data.x) > (-1))", {}),
        ("async.data.x.size() > 1u + uint(event.data.n)", "(async.data.x.size() > (1u + uint(b0)))", {"b0": 5}),
        ("-async.data.x < 1", "((-async.data.x) < 1)", {}),
        (
            "timestamp(async.data.at) > timestamp(event.data.at) + duration('1h')",
            "(timestamp(async.data.at) > (timestamp(b0) + duration('1h')))",
            {"b0": "2025-01-01T00:00:00Z"},
        ),
        (
            "timestamp(async.data.at) > (event.data.vip ? timestamp(event.data.at) : timestamp(event.data.x))",
            "(timestamp(async.data.at) > timestamp(b0))",
            {"b0": "2025-01-01T00:00:00Z"},
        ),
        (
            "async.data.x.map(b0, b0 > 1, b0 + event.data.n) == [{'a': event.data.tags, 'b': 1}]",
            "(async.data.x.map(b0, (b0 > 1), (b0 + b1)) == b2)",
            {"b1": 5, "b2": [{"a": ["p", "q"], "b": 1}]},
        ),
        (
            "async.data.x != event.data.tags.map(b0, b0 in event.data.tags ? bytes(b0) : b'')",
            "(async.data.x != b1.map(b0, ((b0 in b1) ? bytes(b0) : b'')))",
            {"b1": ["p", "q"]},
        ),
        ("(event.data.vip && async.data.x) != 1", "((async.data.x && true) != 1)", {}),
    ],
)
def test_the_residual_holds_the_triggers_values_apart(
    expression: str, residual: str, bindings: Mapping[str, Any]
) -> None:
    found = only(expression)
    assert (found.residual, found.bindings) == (residual, bindings)


def test_all_waits_of_one_line_have_the_same_residual() -> None:
    expression = "async.data.id == event.data.id && async.data.n > event.data.n && async.data.x != event.data.id"
    waits = [planned(expression, event({"id": str(n), "n": n})) for n in range(9)]
    assert len({one.residual for wait in waits for one in wait.alternatives}) == 1
    assert len({one.key for wait in waits for one in wait.alternatives}) == 9


def test_a_conjunct_that_is_no_boolean_is_not_let_through_by_a_true_one() -> None:
    assert outcome("(event.data.vip && async.data.x) == 's'", {"vip": True}, {"x": "s"}) == COUNTED


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_json_cannot_hold_is_computed_again_for_each_event(value: float) -> None:
    expression = "async.data.n < double(event.data.text)"
    found = planned(expression, event({"text": str(value)})).alternatives[0]
    assert found.bindings == {"b0": str(value)}
    assert outcome(expression, {"text": str(value)}, {"n": 1}) == (MATCH if value > 1 else NONE)


@pytest.mark.parametrize("value", [1e400, [{"y": float("nan")}]])
def test_an_infinite_number_in_the_trigger_is_an_error_where_it_had_to_be_kept(value: object) -> None:
    with pytest.raises(ExpressionError, match="at position 16: a number that is infinite or NaN cannot be stored"):
        plan(NAME, "async.data.x != event.data.x", event({"x": value}))


def test_an_event_lacks_the_key_where_it_lacks_the_path() -> None:
    assert match_key(NAME, '[["data","a"]]', event()) is None
    assert match_key(NAME, '[["data","a",0]]', event({"a": []})) is None
    assert match_key(NAME, '[["data","a",0]]', event({"a": {"0": 1}})) is None
    assert match_key(NAME, '[["data","a","0"]]', event({"a": [1]})) is None
    assert match_key(NAME, '[["user","id"]]', event()) is None


def test_no_depth_of_an_event_breaks_the_matcher() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    wait = planned("async.data.x == [[1]] || async.data.y == 1", event())
    assert resolved(wait, event({"x": deep, "y": 1})) == MATCH
    assert resolved(planned("async.data.x == async.data.y", event()), event({"x": deep, "y": deep})) == COUNTED
    with pytest.raises(ExpressionError, match="nested more than 100 deep"):
        plan(NAME, "async.data.x == event.data.x", event({"x": deep}))
