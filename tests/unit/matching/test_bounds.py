"""No expression, and no event, can hang a Lambda or fill its memory: what goes over a bound is told its number."""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import MatchError, evaluate_whole, match_key, plan
from tests.unit.matching.scenario import COUNTED, MATCH, NAME, NONE, RECEIVED_AT, event, outcome, planned, resolved

STEPS = "it takes more than 50,000 steps, the most allowed"
BEFORE = event({"list": [1, 2, 3]})
HUGE = event(
    {
        "list": list(range(150_000)),
        "other": list(range(150_000)),
        "most": list(range(12_500)),
        "words": [f"{number:06}" for number in range(100_000)],
        "text": "a" * 1_000_000,
        "same": "a" * 999_999 + "b",
        "brackets": f"[{'[],' * 300_000}[]]",
        "pattern": "(a|b)*" * 100_000,
        "digits": "1" * 1_000_000,
        "seconds": "1s" * 400_000,
        "few": list(range(150)),
        "long": 10**4_299,
    }
)


@contextmanager
def quickly(milliseconds: int = 5_000) -> Iterator[None]:
    """Fails if what is done takes longer, by the thread's own clock.

    It takes some 30 ms, and may take ten times as long on a machine that does much else; without the bounds many
    seconds, hours, or more memory than there is.
    """
    began = time.thread_time()
    yield
    assert (time.thread_time() - began) * 1000 < milliseconds


@pytest.fixture(autouse=True, scope="module")
def _grammar_is_loaded() -> None:
    plan(NAME, "async.data.x.matches('a')", BEFORE)


# At registration.


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("async.data.a == 1" + " " * 4_080, "it has 4,097 characters; at most 4,096 are allowed"),
        ("!" * 4_000 + "true", "nested more than 100 deep, the most allowed"),
        ("-" * 4_000 + "1 == 1", "nested more than 100 deep"),
        ("[" * 2_000 + "]" * 2_000 + " == []", "nested more than 100 deep"),
        ("{1: " * 700 + "1" + "}" * 700 + " == 1", "nested more than 100 deep"),
        ("size(" * 600 + "1" + ")" * 600 + " == 1", "nested more than 100 deep"),
        ("event" + ".a" * 2_000 + " == 1", "nested more than 100 deep"),
        ("event" + "[0]" * 1_000 + " == 1", "nested more than 100 deep"),
        ("+".join(["async.data.n"] * 300) + " == 1", "nested more than 100 deep"),
        ("true ? true : " * 290 + "true", "nested more than 100 deep"),
        ("(true ? " * 200 + "true" + " : true)" * 200, "nested more than 100 deep"),
        ("async.data.a" + ".map(x, x)" * 17 + " == []", "it has 17 macros; at most 16 are allowed"),
        (" || ".join(["async.data.a.exists(x, x == 1)"] * 100), "it has 100 macros; at most 16 are allowed"),
        (
            "async.data.a.all(a, a.all(b, b.all(c, c.all(d, d == 1))))",
            "macros are nested more than 3 deep, the most allowed",
        ),
        ("(" * 4_000, "expected a value, found the end"),
        ("async.data.a == " + "9" * 4_000, "has 4,000 characters; 1,000 are allowed"),
        ('"' + "\\n" * 2_000, "is not closed"),
        ("a" * 4_096, "unknown name"),
        ("async.data.a?" * 300, "expected ':', found '?'"),
    ],
    ids=lambda value: value[:20],
)
def test_an_expression_that_is_too_large_is_refused_at_once(expression: str, problem: str) -> None:
    with quickly(), pytest.raises(ExpressionError) as raised:
        plan(NAME, expression, BEFORE)
    assert problem in raised.value.problem


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 2_000 + "async.data.a == 1" + ")" * 2_000,
        " && ".join(["async.data.a == 1"] * 190),
        " || ".join(f"async.data.a == {number}" for number in range(180)),
        " && ".join(f"(async.data.a{n} == 1 || async.data.b{n} == 2)" for n in range(80)),
        "true || " * 500 + "true",
        "(async.data.a == 1 ? " * 45 + "async.data.b == 2" + " : false)" * 45,
        "(async.data.a == 1 ? true : " * 45 + "async.data.b == 2" + ")" * 45,
        "(" * 45 + "async.data.a == 1" + " ? async.data.b == 2 : false)" * 45,
        "async.data.a" + ".map(x, x)" * 16 + " == []",
        "async.data.a in [" + ", ".join(map(str, range(800))) + "]",
    ],
    ids=lambda value: value[:20],
)
def test_a_large_expression_is_planned_and_asked_in_no_time(expression: str) -> None:
    with quickly():
        wait = planned(expression, BEFORE)
        assert len(wait.alternatives) <= 8
        resolved(wait, event({"a": 1, "b": 2}))


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("async.data.x != event.data.list.map(x, event.data.list)", STEPS),
        ("async.data.x != [event.data.text, event.data.text]", "have more than 64,000 characters"),
        ("async.data.x == event.data.most.map(x, event.data.text)", STEPS),
        ("async.data.x != event.data.text", "have more than 64,000 characters"),
        ("async.data.x != event.data.most + event.data.most + event.data.words", "have more than 64,000 characters"),
        ("async.data.x == event.data.list.map(x, x)[0]", STEPS),
        ("event.data.list == event.data.other || async.data.x == 1", STEPS),
    ],
)
def test_a_trigger_that_makes_too_much_is_refused_at_once(expression: str, problem: str) -> None:
    with quickly(), pytest.raises(ExpressionError) as raised:
        plan(NAME, expression, HUGE)
    assert problem in raised.value.problem


def test_all_that_a_residual_keeps_of_the_trigger_is_bounded_together() -> None:
    half = event({"text": "x" * 31_990, "other": "x" * 31_990, "more": "x" * 40})
    assert not plan(NAME, " && ".join(["async.data.x != event.data.text"] * 9), half).never
    both = "async.data.x != event.data.text && async.data.y != event.data.other"
    assert not plan(NAME, both, half).never
    with pytest.raises(ExpressionError, match="have more than 64,000 characters"):
        plan(NAME, f"{both} && async.data.z != event.data.more", half)


# When an event comes.


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.list.all(x, x >= 0)",
        "async.data.list.exists(x, {})".format(" || ".join(["x < 0"] * 400)),
        "async.data.list.exists(a, async.data.list.exists(b, async.data.list.exists(c, a + b + c < 0)))",
        "async.data.list.filter(x, x in async.data.list) == []",
        "async.data.most.map(x, async.data.list + async.data.list) == []",
        "async.data.most.map(x, async.data.text + async.data.text) == []",
        "async.data.most.all(x, async.data == async.data)",
        "async.data.most.all(x, async.data.list == async.data.other)",
        "async.data.most.all(x, async.data.text != async.data.same)",
        "async.data.most.all(x, lowercase(async.data.text) != 'a')",
        "async.data.few.all(x, string(async.data.long) != 'a')",
        "async.data.most.map(x, async.data.most) == async.data.most.map(y, async.data.most)",
        "async.data.list == async.data.other",
        "[async.data.list] == [async.data.other]",
        "[1] in [async.data.list, async.data.list]" + " + async.data.list" * 50,
        "-1 in async.data.list",
        "+".join(["async.data.text"] * 90) + " == ''",
        "+".join(["async.data.list"] * 90) + " == []",
        "[" + ", ".join(["json_parse(async.data.brackets)"] * 100) + "] == []",
        "async.data.text.matches('(a|aa)+$')",
        "async.data.text.matches('(((a|b){0,10}){0,10}){0,9}c')",
    ],
)
@pytest.mark.parametrize("other_side", ["true", "false"])
def test_a_question_that_takes_too_long_is_an_error_and_no_more(expression: str, other_side: str) -> None:
    wait = planned(f"{expression} || async.data.text == {other_side}", BEFORE)
    with quickly():
        assert resolved(wait, HUGE) == COUNTED
    with pytest.raises(MatchError, match=STEPS):
        evaluate_whole(f"{expression} && async.data.missing != {other_side}", BEFORE, HUGE, RECEIVED_AT)
    assert resolved(planned(f"{expression} || size(async.data.text) > 1", BEFORE), HUGE) == MATCH


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("'a'.matches(async.data.pattern)", "the pattern has 600,000 characters; at most 1,000 are allowed"),
        ("duration(async.data.seconds) > duration('1s')", "has 800,000 characters; at most 100 are allowed"),
        ("now_plus(async.data.seconds) > now()", "has 800,000 characters; at most 100 are allowed"),
        ("int(async.data.digits) > 1", "is not an integer"),
        ("timestamp(async.data.digits) > now()", "is not a time"),
        ("now().getHours(async.data.digits) > 1", "is not a time zone"),
        ("b64decode(async.data.digits) == ''", "b64decode"),
    ],
)  # fmt: skip
def test_a_text_of_a_megabyte_is_refused_where_it_could_not_be_meant(expression: str, problem: str) -> None:
    wait = planned(f"async.data.n == 1 || {expression}", BEFORE)
    with quickly():
        assert resolved(wait, HUGE) == COUNTED
    with pytest.raises(MatchError) as raised:
        evaluate_whole(f"{expression} && async.data.list[0] == 0", BEFORE, HUGE, RECEIVED_AT)
    assert problem in raised.value.problem
    assert len(raised.value.problem) <= 500


@pytest.mark.parametrize("pattern", ["[ab]*a[ab]{50}c", "(a|b)*a(a|b){100}c", "(((a|b){0,10}){0,10}){0,9}c", "(a*)*c"])
def test_no_pattern_hangs_on_the_longest_text_that_it_may_read(pattern: str) -> None:
    """RE2 keeps to linear time, but by a factor of the pattern's size, which may be thousands."""
    letters = random.Random(pattern)
    texts = ["".join(letters.choices("ab", k=length)) for length in (1_000, 10_000, 100_000, 1_000_000)]
    with quickly():
        for text in texts:
            assert outcome("async.data.x.matches(event.data.p)", {"p": pattern}, {"x": text}) in (NONE, COUNTED)
    assert outcome("async.data.x.matches(event.data.p)", {"p": pattern}, {"x": texts[0]}) == NONE


def test_the_largest_questions_that_are_answered() -> None:
    for expression in (
        "async.data.most.exists(x, x == 9999)",
        "async.data.most.exists(x, x == 9999) && async.data.most.exists(x, x == 9999)",
        "'099999' in async.data.words",
        "12499 in async.data.most",
        "async.data.text.matches('^a+$')",
        "size(async.data.list) == 150000",
        "async.data.text != async.data.same",
    ):
        with quickly():
            assert resolved(planned(f"{expression} && true", BEFORE), HUGE) == MATCH, expression


def test_an_event_at_its_largest_against_the_costliest_expression() -> None:
    """All that 4,096 characters can ask at once, each question with as much work as it may make."""
    data = {"a": list(range(49_000)), "b": [*range(48_999), 0]}
    with quickly(20_000):
        assert resolved(planned(" || ".join(["async.data.a == async.data.b"] * 127), BEFORE), event(data)) == NONE


@pytest.mark.parametrize("depth", [99, 100, 101, 300, 450, 600, 900, 5_000])
def test_a_deep_value_has_one_answer_however_it_is_asked(depth: int) -> None:
    def nested(inside: Any) -> Any:
        for _ in range(depth):
            inside = [inside]
        return inside

    one, other = {"x": nested(1)}, {"x": nested(1), "y": nested(2)}
    assert outcome("async.data.x == async.data.x", {}, other) == (MATCH if depth <= 100 else COUNTED)
    assert outcome("async.data.x == async.data.y", {}, other) == (NONE if depth <= 100 else COUNTED)
    assert outcome("async.data.x == [[1]] || async.data.y == 1", {}, {"x": nested(1), "y": 1}) == MATCH
    if depth <= 100:
        assert outcome("async.data.x == event.data.x", one, other) == MATCH
    else:
        with pytest.raises(ExpressionError, match="a value is nested more than 100 deep"):
            plan(NAME, "async.data.x == event.data.x", event(one))
        assert match_key(NAME, '[["data","x"]]', event(other)) is None


@pytest.mark.parametrize("size", [4_998, 5_000, 5_002, 10_000])
@pytest.mark.parametrize("form", ["{} == {}", "{} in [{}, 1, []]", "!({} != {})", "{1} == {0}"])
def test_a_large_value_is_found_by_key_or_by_name_and_is_the_same(size: int, form: str) -> None:
    expression = form.format("async.data.x", "event.data.x")
    large = [{"a": number} for number in range(size // 2)]
    wait = planned(expression, event({"x": large}))
    assert (wait.alternatives[0].shape == "*") is (size > 5_000)
    assert outcome(expression, {"x": large}, {"x": large}) == MATCH
    assert outcome(expression, {"x": large}, {"x": [*large[:-1], {"a": -1}]}) == NONE


def test_the_longest_integers_of_an_event_are_found_by_name_or_by_key_in_no_time() -> None:
    """Python takes a fifth of a millisecond to write one of 4,300 digits, so a key has at most ten of them."""
    many = [10**4_299 + number for number in range(200)]
    for count, shape in ((1, '[["data","x"]]'), (10, '[["data","x"]]'), (11, "*"), (14, "*")):
        wait = planned("async.data.x == event.data.x", event({"x": many[:count]}))
        with quickly():
            assert wait.alternatives[0].shape == shape
            assert resolved(wait, event({"x": many[:count]})) == MATCH
            assert resolved(wait, event({"x": [*many[: count - 1], 1]})) == NONE
            assert resolved(wait, event({"x": many})) == NONE
    with pytest.raises(ExpressionError, match="have more than 64,000 characters"):
        plan(NAME, "async.data.x != event.data.x", event({"x": many[:15]}))


def test_what_is_kept_of_trees_and_patterns_is_bounded() -> None:
    """A tree takes about ninety times the characters of its text."""
    from tarry._cel import checks, functions, syntax

    longest = [cache.cache_info().maxsize or sys.maxsize for cache in (syntax._short, syntax._long, checks.checked)]
    assert 90 * (longest[0] * syntax.SHORT + (longest[1] + longest[2]) * checks.MAX_LENGTH) < 250_000_000
    assert (functions._pattern.cache_info().maxsize or sys.maxsize) * 2 * 2**20 <= 2**28
