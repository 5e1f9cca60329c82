"""Every operator with every pair of types, by hand: what CEL says, and that an index says the same.

``=`` equal, ``<`` ordered, ``!`` an error, ``.`` no: neither equal nor an error.
"""

from itertools import product
from typing import Literal

import pytest

from tarry_backend.matching import MatchError, evaluate_whole
from tests.unit.matching.scenario import MATCH, RECEIVED_AT, event, planned, resolved

Answer = Literal["yes", "no", "error"]

TYPES = ("null", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "timestamp", "duration")
# One value of each type, and another of which it is less where there is an order. {0} is the event.
LOW = {
    "null": "{0}.data.null",
    "bool": "{0}.data.no",
    "int": "{0}.data.one",
    "uint": "uint({0}.data.one)",
    "double": "{0}.data.one_double",
    "string": "{0}.data.one_text",
    "bytes": "bytes({0}.data.one_text)",
    "list": "{0}.data.list",
    "map": "{0}.data.map",
    "timestamp": "timestamp({0}.data.at)",
    "duration": "duration({0}.data.span)",
}
HIGH = LOW | {
    "bool": "{0}.data.yes",
    "int": "{0}.data.two",
    "uint": "uint({0}.data.two)",
    "double": "{0}.data.two_double",
    "string": "{0}.data.two_text",
    "bytes": "bytes({0}.data.two_text)",
    "list": "{0}.data.longer",
    "map": "{0}.data.larger",
    "timestamp": "timestamp({0}.data.later)",
    "duration": "duration({0}.data.longer_span)",
}
DATA = event(
    {
        "null": None,
        "no": False,
        "yes": True,
        "one": 1,
        "two": 2,
        "one_double": 1.0,
        "two_double": 2.0,
        "one_text": "1",
        "two_text": "2",
        "list": [1],
        "longer": [1, 2],
        "map": {"1": 1},
        "larger": {"1": 1, "2": 2},
        "at": "2025-01-01T00:00:00Z",
        "later": "2025-01-02T00:00:00Z",
        "span": "1s",
        "longer_span": "2s",
    }
)

SIDES = [("async", "async"), ("event", "async"), ("async", "event"), ("event", "event")]


def answer(expression: str) -> Answer:
    try:
        return "yes" if evaluate_whole(expression, DATA, DATA, RECEIVED_AT) else "no"
    except MatchError:
        return "error"


def check(form: str, left: str, right: str, expected: Answer) -> None:
    """The expected answer, whichever event the values are of, and whether found by key or by name."""
    for ours, theirs in SIDES:
        expression = form.format(left=left.format(ours), right=right.format(theirs))
        assert answer(expression) == expected, expression
        if "async" in (ours, theirs) and not (expected == "error" and ours != theirs):
            for indexed in (True, False):
                found = resolved(planned(expression, DATA, indexed=indexed), DATA)
                assert (found == MATCH) is (expected == "yes"), expression


def grid(text: str) -> list[tuple[str, str, str]]:
    rows = [row.split() for row in text.strip().splitlines()]
    assert [row[0] for row in rows] == list(TYPES)
    return [(row[0], right, cell) for row in rows for right, cell in zip(TYPES, row[1:], strict=True)]


# 1, 1u and 1.0 are one number. Nothing else equals a value of another type, and to ask is never an error.
EQUALITY = """
null       =  .  .  .  .  .  .  .  .  .  .
bool       .  =  .  .  .  .  .  .  .  .  .
int        .  .  =  =  =  .  .  .  .  .  .
uint       .  .  =  =  =  .  .  .  .  .  .
double     .  .  =  =  =  .  .  .  .  .  .
string     .  .  .  .  .  =  .  .  .  .  .
bytes      .  .  .  .  .  .  =  .  .  .  .
list       .  .  .  .  .  .  .  =  .  .  .
map        .  .  .  .  .  .  .  .  =  .  .
timestamp  .  .  .  .  .  .  .  .  .  =  .
duration   .  .  .  .  .  .  .  .  .  .  =
"""


@pytest.mark.parametrize(("left", "right", "cell"), grid(EQUALITY))
def test_equality(left: str, right: str, cell: str) -> None:
    same: Answer = "yes" if cell == "=" else "no"
    other: Answer = "no" if cell == "=" else "yes"
    check("{left} == {right}", LOW[left], LOW[right], same)
    check("{left} != {right}", LOW[left], LOW[right], other)
    check("!({left} != {right})", LOW[left], LOW[right], same)
    check("{left} in [{right}]", LOW[left], LOW[right], same)
    check("!({left} in ['x', {right}])", LOW[left], LOW[right], other)
    check("[{left}] == [{right}]", LOW[left], LOW[right], same)
    check("{{'k': {left}}} != {{'k': {right}}}", LOW[left], LOW[right], other)
    both_null: Answer = "yes" if left == right == "null" else "no"
    check("{left} == {right}", LOW[left], HIGH[right], both_null)


ORDER = """
null       !  !  !  !  !  !  !  !  !  !  !
bool       !  <  !  !  !  !  !  !  !  !  !
int        !  !  <  <  <  !  !  !  !  !  !
uint       !  !  <  <  <  !  !  !  !  !  !
double     !  !  <  <  <  !  !  !  !  !  !
string     !  !  !  !  !  <  !  !  !  !  !
bytes      !  !  !  !  !  !  <  !  !  !  !
list       !  !  !  !  !  !  !  !  !  !  !
map        !  !  !  !  !  !  !  !  !  !  !
timestamp  !  !  !  !  !  !  !  !  !  <  !
duration   !  !  !  !  !  !  !  !  !  !  <
"""


@pytest.mark.parametrize(("left", "right", "cell"), grid(ORDER))
@pytest.mark.parametrize(
    ("operator", "less", "same", "more"),
    [("<", "yes", "no", "no"), ("<=", "yes", "yes", "no"), (">", "no", "no", "yes"), (">=", "no", "yes", "yes")],
)
def test_order(operator: str, less: Answer, same: Answer, more: Answer, left: str, right: str, cell: str) -> None:
    def expected(one: Answer) -> Answer:
        return one if cell == "<" else "error"

    form = f"{{left}} {operator} {{right}}"
    check(form, LOW[left], HIGH[right], expected(less))
    check(form, LOW[left], LOW[right], expected(same))
    check(form, HIGH[left], LOW[right], expected(more))


# Rows are items, columns containers. A map is asked for its keys, which are texts, numbers or booleans.
MEMBERSHIP = """
null       !  !  !  !  !  !  !  .  !  !  !
bool       !  !  !  !  !  !  !  .  .  !  !
int        !  !  !  !  !  !  !  =  .  !  !
uint       !  !  !  !  !  !  !  =  .  !  !
double     !  !  !  !  !  !  !  =  .  !  !
string     !  !  !  !  !  !  !  .  =  !  !
bytes      !  !  !  !  !  !  !  .  !  !  !
list       !  !  !  !  !  !  !  .  !  !  !
map        !  !  !  !  !  !  !  .  !  !  !
timestamp  !  !  !  !  !  !  !  .  !  !  !
duration   !  !  !  !  !  !  !  .  !  !  !
"""


@pytest.mark.parametrize(("item", "container", "cell"), grid(MEMBERSHIP))
def test_membership(item: str, container: str, cell: str) -> None:
    expected: dict[str, Answer] = {"=": "yes", ".": "no", "!": "error"}
    opposite: dict[str, Answer] = {"=": "no", ".": "yes", "!": "error"}
    check("{left} in {right}", LOW[item], LOW[container], expected[cell])
    check("!({left} in {right})", LOW[item], LOW[container], opposite[cell])


# What a sum, difference and so on are of: all other pairs are errors.
RESULTS = {
    ("+", "int", "int"): "int",
    ("+", "uint", "uint"): "uint",
    ("+", "double", "double"): "double",
    ("+", "string", "string"): "string",
    ("+", "bytes", "bytes"): "bytes",
    ("+", "list", "list"): "list",
    ("+", "timestamp", "duration"): "timestamp",
    ("+", "duration", "timestamp"): "timestamp",
    ("+", "duration", "duration"): "duration",
    ("-", "int", "int"): "int",
    ("-", "uint", "uint"): "uint",
    ("-", "double", "double"): "double",
    ("-", "timestamp", "timestamp"): "duration",
    ("-", "timestamp", "duration"): "timestamp",
    ("-", "duration", "duration"): "duration",
    ("*", "int", "int"): "int",
    ("*", "uint", "uint"): "uint",
    ("*", "double", "double"): "double",
    ("/", "int", "int"): "int",
    ("/", "uint", "uint"): "uint",
    ("/", "double", "double"): "double",
    ("%", "int", "int"): "int",
    ("%", "uint", "uint"): "uint",
}
NAMED = ("bool", "int", "uint", "double", "string", "bytes", "list", "map")


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%"])
@pytest.mark.parametrize(("left", "right"), list(product(TYPES, TYPES)))
def test_arithmetic(operator: str, left: str, right: str) -> None:
    result = RESULTS.get((operator, left, right))
    made = f"{{left}} {operator} {{right}}"
    if result is None:
        check(f"({made}) == ({made})", HIGH[left], LOW[right], "error")
        return
    check(f"({made}) == ({made})", HIGH[left], LOW[right], "yes")
    if result in NAMED:
        check(f"type({made}) == {result}", HIGH[left], LOW[right], "yes")
    else:
        check(f"type({made}) == type({LOW[result].format('async')})", HIGH[left], LOW[right], "yes")


@pytest.mark.parametrize("of", TYPES)
def test_negation(of: str) -> None:
    check("-({left}) == -({right})", LOW[of], LOW[of], "yes" if of in ("int", "double", "duration") else "error")


# Yes, no, an error, and what is no boolean, which counts as an error unless the other side decides.
LOGIC = {
    "&&": {"yy": "yes", "yn": "no", "nn": "no", "ye": "error", "ne": "no", "ee": "error"},
    "||": {"yy": "yes", "yn": "yes", "nn": "no", "ye": "yes", "ne": "error", "ee": "error"},
}
QUESTIONS = {"y": ["{0}.data.yes", "{0}.data.one == 1"], "n": ["{0}.data.no", "{0}.data.one == 2"]} | {
    "e": ["{0}.data.missing", "{0}.data.missing == 1", "{0}.data.one", "{0}.data.null", "{0}.data.one < '1'"]
}


@pytest.mark.parametrize("operator", LOGIC)
@pytest.mark.parametrize(("left", "right"), list(product("yne", "yne")))
def test_logic(operator: str, left: str, right: str) -> None:
    table: dict[str, Answer] = LOGIC[operator]  # type: ignore[assignment]
    expected = table.get(left + right) or table[right + left]
    opposite: dict[str, Answer] = {"yes": "no", "no": "yes", "error": "error"}
    for ours, theirs in product(QUESTIONS[left], QUESTIONS[right]):
        joined = f"({ours.format('async')}) {operator} ({theirs.format('async')})"
        for expression, wanted in ((joined, expected), (f"!({joined})", opposite[expected])):
            assert answer(expression) == wanted, expression
            for indexed in (True, False):
                assert (resolved(planned(expression, DATA, indexed=indexed), DATA) == MATCH) is (wanted == "yes")


@pytest.mark.parametrize(("condition", "then", "otherwise"), list(product("yne", "yne", "yne")))
def test_choice(condition: str, then: str, otherwise: str) -> None:
    decides = {"y": then, "n": otherwise, "e": "e"}[condition]
    expected: Answer = {"y": "yes", "n": "no", "e": "error"}[decides]  # type: ignore[assignment]
    for one, two, three in product(QUESTIONS[condition], QUESTIONS[then][1:2], QUESTIONS[otherwise][1:2]):
        expression = f"({one}) ? ({two}) : ({three})".format("async")
        assert answer(expression) == expected, expression
        for indexed in (True, False):
            assert (resolved(planned(expression, DATA, indexed=indexed), DATA) == MATCH) is (expected == "yes")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("has({0}.data.null)", "yes"),
        ("has({0}.data.missing)", "no"),
        ("!has({0}.data.missing)", "yes"),
        ("has({0}.data.map.x)", "no"),
        ("has({0}.data.null.x)", "error"),
        ("has({0}.data.one.x)", "error"),
        ("has({0}.data.list.x)", "error"),
        ("has({0}.data.missing.x)", "error"),
        ("has({0}.user)", "yes"),
        ("{0}.data.list[0] == 1", "yes"),
        ("{0}.data.list[1] == 1", "error"),
        ("{0}.data.list[-1] == 1", "error"),
        ("{0}.data['map']['1'] == 1", "yes"),
        ("{0}.data.map[1] == 1", "error"),
        ("{0}.data.one_text[0] == '1'", "error"),
        ("{0}.data.null.x == 1", "error"),
    ],
)
def test_fields_and_places(asked: str, expected: Answer) -> None:
    expression = asked.format("async")
    assert answer(expression) == expected
    assert answer(asked.format("event")) == expected
    for indexed in (True, False):
        assert (resolved(planned(expression, DATA, indexed=indexed), DATA) == MATCH) is (expected == "yes")
