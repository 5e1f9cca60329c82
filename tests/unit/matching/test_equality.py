"""One equality: the evaluator's, the keys', and that of ``in`` are the same for every two JSON values."""

import math

import pytest

from tarry_backend.matching import evaluate_whole, match_key, plan
from tests.unit.matching.scenario import COUNTED, MATCH, NAME, NONE, event, outcome, planned, resolved

# Values in one row are equal to each other, and to none of another row.
CLASSES: list[list[object]] = [
    [None],
    [True],
    [False],
    [0, 0.0, -0.0],
    [1, 1.0],
    [-1, -1.0],
    [1.5],
    [0.1],
    [0.1 + 0.2],
    [9007199254740992, 9007199254740992.0],
    [9007199254740993],
    [2**63 - 1],
    [2.0**63, 2**63],
    [2**63 + 1],
    [2**64 - 2],
    [2**64 - 1],
    [11111111111111111111],
    [11111111111111111112],
    [-11111111111111111112],
    [1e23, 99999999999999991611392],
    [10**23],
    [1e300, int(1e300)],
    [10**300],
    [10**400],
    [10**400 + 1],
    [math.inf],
    [""],
    ["1"],
    ["1.0"],
    ["true"],
    ["null"],
    ["A"],
    ["a"],
    ["é"],
    ["e\u0301"],
    ["\ud800"],
    [[]],
    [[1], [1.0]],
    [["1"]],
    [[True]],
    [[1, 2]],
    [[2, 1]],
    [[[]]],
    [[None]],
    [[11111111111111111111]],
    [[11111111111111111112]],
    [{}],
    [{"a": 1}, {"a": 1.0}],
    [{"a": "1"}],
    [{"a": None}],
    [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}],
    [{"b": 1}],
    [{"b": 2**64}, {"b": 2.0**64}],
    [{"b": 2**64 + 1}],
    [{"a": [{"b": 1}]}, {"a": [{"b": 1.0}]}],
]
VALUES = [(row, value) for row, equal in enumerate(CLASSES) for value in equal]
each = pytest.mark.parametrize(("row", "left"), VALUES, ids=[f"{value!r:.20}" for _, value in VALUES])
# Infinity is no JSON, and cannot be kept beside a residual.
each_finite = pytest.mark.parametrize(("row", "left"), [(row, value) for row, value in VALUES if value != math.inf])


@each
def test_keys_agree_with_equality(row: int, left: object) -> None:
    (wait,) = plan(NAME, "async.data.x == event.data.x", event({"x": left})).alternatives
    alike = [other for other, right in VALUES if match_key(NAME, wait.shape, event({"x": right})) == wait.key]
    assert alike == [row] * len(CLASSES[row])


@each
@pytest.mark.parametrize(
    "expression",
    [
        "dyn(async.data.x) == event.data.x",
        "!(async.data.x != event.data.x || false)",
        "event.data.x in [dyn(async.data.x)]",
        "[async.data.x] == [event.data.x]",
        "{'k': async.data.x} == {'k': event.data.x}",
    ],
)
def test_the_evaluator_agrees_with_equality(expression: str, row: int, left: object) -> None:
    trigger = event({"x": left})
    alike = [other for other, right in VALUES if evaluate_whole(expression, trigger, event({"x": right}), 0)]
    assert alike == [row] * len(CLASSES[row])


@each_finite
def test_a_residual_agrees_with_equality(row: int, left: object) -> None:
    wait = planned("dyn(async.data.x) == event.data.x", event({"x": left}))
    alike = [other for other, right in VALUES if resolved(wait, event({"x": right})) == MATCH]
    assert alike == [row] * len(CLASSES[row])


def test_nothing_equals_nan_not_even_itself() -> None:
    not_a_number = event({"x": math.nan, "xs": [math.nan]})
    assert plan(NAME, "async.data.x == event.data.x", not_a_number).never
    assert plan(NAME, "async.data.x == event.data.xs", not_a_number).never
    assert match_key(NAME, '[["data","x"]]', not_a_number) is None


def test_halves_of_a_character_that_come_together_in_the_trigger_are_not_the_character() -> None:
    """JSON cannot hold them side by side: it would make one character of them, in a key and in a binding."""
    halves = {"high": "\ud834", "low": "\udd1e"}
    assert plan(NAME, "async.data.x == event.data.high + event.data.low", event(halves)).never
    for expression in (
        "async.data.x != event.data.high + event.data.low",
        "!(async.data.x in [event.data.high + event.data.low])",
    ):
        assert outcome(expression, halves, {"x": "\U0001d11e"}) == MATCH


@pytest.mark.parametrize("constant", ['timestamp("2025-01-01T00:00:00Z")', 'duration("1s")', 'b"a"', "int", "{1: 2}"])
def test_no_event_holds_what_is_not_json(constant: str) -> None:
    assert plan(NAME, f"async.data.x == {constant}", event()).never
    assert outcome(f"async.data.x != {constant}", {}, {"x": "2025-01-01T00:00:00Z"}) == MATCH


@pytest.mark.parametrize(
    ("constant", "value"),
    [("1u", 1), ("18446744073709551615u", 2.0**64), ("-0x1F", -31), ("1e3", 1000), ("{'a': 1u}", {"a": 1})],
)
def test_constants_of_every_kind_have_the_key_of_their_value(constant: str, value: object) -> None:
    same = value != 2.0**64  # which is one more than the largest unsigned integer
    assert outcome(f"async.data.x == {constant}", {}, {"x": value}) == (MATCH if same else NONE)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 2, MATCH),
        (1, 1.5, MATCH),
        (9007199254740992.0, 9007199254740993, MATCH),
        (9007199254740993, 9007199254740992.0, NONE),
        (11111111111111111111, 11111111111111111112, MATCH),
        (11111111111111111112, 11111111111111111111, NONE),
        (-11111111111111111112, -11111111111111111111, MATCH),
        (2.0**64, 2**64 + 1, MATCH),
        (2**64 - 1, 2.0**64, MATCH),
        (2.0**64, 2**64, NONE),
        (10**400, math.inf, MATCH),
        (1e308, 10**400, MATCH),
        (2, 1.5, NONE),
        ("a", "b", MATCH),
        ("Z", "a", MATCH),
        ("\uffff", "\U00010000", MATCH),
        ("10", "9", MATCH),
        (False, True, MATCH),
        (1, "2", COUNTED),
        (1, True, COUNTED),
        (None, 1, COUNTED),
        ([1], [2], COUNTED),
        ({}, {}, COUNTED),
    ],
)
def test_order(left: object, right: object, expected: str) -> None:
    assert outcome("async.data.l < async.data.r", {}, {"l": left, "r": right}) == expected
    assert outcome("async.data.r > async.data.l", {}, {"l": left, "r": right}) == expected
    assert outcome("event.data.l < async.data.r", {"l": left}, {"r": right}) == expected
