"""What a person reads who has written an expression that cannot be used."""

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import plan
from tests.unit.matching.scenario import MATCH, NAME, event, outcome

HAS = 'has() takes one field, as in has(async.data.x); for other names write "user-id" in async.data'


def refusal(expression: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        plan(NAME, expression, event({"id": "7", "n": 1, "vip": "yes"}))
    return raised.value


@pytest.mark.parametrize(
    ("expression", "position", "problem"),
    [
        # What is not CEL.
        ("", 0, "expected a value, found the end"),
        ("async.data.id == ", 17, "expected a value, found the end"),
        ("async.data. == 1", 12, "expected a name, found '=='"),
        ("(async.data.a == 1", 18, "expected ')', found the end"),
        ("async.data.a in [1, 2", 21, "expected ']' or ',', found the end"),
        ("async.data.a == 1 async.data.b", 18, "expected an operator, found 'async'"),
        ("async.data.a = 1", 13, "expected an operator, found '='; write =="),
        ("async.data.a == 1 and true", 18, "expected an operator, found 'and'; write &&"),
        ("async.data.a == 1 | true", 18, "expected an operator, found '|'; write ||"),
        ("async.data.a == 1 && && true", 21, "expected a value, found '&&'"),
        ("async.data.a ? true", 19, "expected ':', found the end"),
        ("async.data.a == §", 16, "expected a value, found '§'"),
        ('async.data.a == "b', 16, "the string that begins here is not closed"),
        ("async.data.a == 'b\nc'", 16, "the string that begins here is not closed"),
        (r'async.data.a == "\d"', 16, r"unknown escape in a string: write a backslash itself as \\"),
        (r'async.data.a == "\ud800"', 16, r"\ud800 is not a character"),
        (r'async.data.a == b"\u00e9"', 16, r"\u00e9 is not allowed in bytes: write its bytes, such as \xc3\xa4"),
        ("async.data.a == 99999999999999999999u", 16,
         "99999999999999999999u is not between 0 and 18446744073709551615"),
        ("async.data.a == 9223372036854775808 + 1", 16,
         "the integer has more than 64 bits, the most that arithmetic and int() take"),
        ("async.data.a == 0x" + "f" * 1_000, 16, "the integer has 1,002 characters; 1,000 are allowed"),
        ("async.data.a == '\ud834\udd1e'", 17,
         "half of a character (a lone surrogate) stands in it, which JSON does not keep; take it from an event"),
        ("async.data.a < 1e400", 15, "1e400 is larger than the largest double, some 1.8e308"),
        ("async.data.a == -1u", 16, "-1u is not between 0 and 18446744073709551615"),
        (".async.data.a == 1", 0, "messages and names with a leading dot are not supported"),
        ("async.data.a == Money{}", 16, "messages and names with a leading dot are not supported"),
        # What names nothing.
        ("asnyc.data.a == 1", 0, "unknown name 'asnyc' (did you mean 'async'?); known here: async and event"),
        ("true && a.b == 1", 8, "unknown name 'a'; known here: async and event"),
        ("async.data.a.exists(i, j == 1)", 23, "unknown name 'j'; known here: async and event and i"),
        ("async.data.a.exists(i, i == 1) && i == 2", 34, "unknown name 'i'; known here: async and event"),
        ("frob(async.data.a)", 0, "unknown function frob()"),
        ("async.data.a == lowercse('A')", 16, "unknown function lowercse() (did you mean 'lowercase'?)"),
        ("async.data.a.exists(i, frob(i))", 23, "unknown function frob()"),
        ("async.data.a.frob() == 1", 0, "unknown function frob()"),
        ("contains(async.data.a, 'b')", 0, "call contains as x.contains(…)"),
        ("async.data.a.lowercase() == 'b'", 0, "call lowercase as lowercase(…)"),
        ("size(async.data.a, 1) == 1", 0, "size() takes 1 argument, not 2"),
        ("async.data.a.getHours('UTC', 1) == 1", 0, "getHours() takes 0 or 1 arguments, not 2"),
        # What has not the form that it needs.
        ("has(async)", 0, HAS),
        ('has(async["x"])', 0, HAS),
        ("async.data.a.exists(true)", 0, "write exists(x, condition), with any variable x"),
        ("async.data.a.exists(a.b, true)", 0, "write exists(x, condition), with any variable x"),
        ("async.data.a.exists(int, true)", 0, "write exists(x, condition), with any variable x"),
        (
            "async.data.a.map(x) == []",
            0,
            "write map(x, value) or map(x, condition, value), with any variable x",
        ),
        ("async.data.a.all(event, true)", 0, "the variable of all cannot be called 'event': that is an event"),
        ("[1].all(async, true)", 0, "the variable of all cannot be called 'async': that is an event"),
        # What is no question.
        ("async.data.a", 0, "async.data.a is not a boolean; write async.data.a == true"),
        ("event.data.vip", 0, "event.data.vip is not a boolean; write event.data.vip == true"),
        ("json_parse(async.id)", 0, "json_parse(async.id) is not a boolean; write json_parse(async.id) == true"),
        ("async.data.a + 1", 0, "(async.data.a + 1) is not a boolean; compare it with a value"),
        ("'a'", 0, "'a' is not a boolean; compare it with a value"),
        ("lowercase(async.data.a)", 0, "lowercase(async.data.a) is not a boolean; compare it with a value"),
        ("async.data.a.map(x, true)", 0, "async.data.a.map(x, true) is not a boolean; compare it with a value"),
        ("true ? true : async.data.a", 14, "async.data.a is not a boolean; write async.data.a == true"),
        ("async.data.a == 1 && 5", 21, "expected a boolean, found 5"),
        ("!'a' || true", 1, "expected a boolean, found 'a'"),
        ("size(async.data.a) ? true : false", 0, "expected a boolean, found size(async.data.a)"),
        ("async.data.a.exists(x, x + 1)", 23, "expected a boolean, found (x + 1)"),
    ],
)  # fmt: skip
def test_the_message_says_what_where_and_how_to_mend_it(expression: str, position: int, problem: str) -> None:
    error = refusal(expression)
    assert (error.problem, error.position) == (problem, position)
    assert str(error) == f"expression {expression!r} at position {position}: {problem}"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("event.data.x.y", "event.data.x is missing"),
        ("event.data['x']", "event.data['x'] is missing"),
        ("event.user.id", "event.user is null and has no field 'id'"),
        ("event.data.id + 1", "no '+' for string and int"),
        ("(event.data.id < 8)", "string and int have no order"),
        ("(event.data.vip && true)", "&& takes booleans; this value is of type string"),
        ("timestamp(event.data.id)", "'7' is not a time such as '2024-01-31T12:00:00Z'"),
    ],
)
def test_the_message_says_what_the_trigger_cannot_answer(asked: str, problem: str) -> None:
    error = refusal(f"async.data.a == {asked}")
    assert error.problem == f"{problem} in the event that started the run"
    assert error.position == 16 + asked.startswith("(")


def test_what_is_wrong_without_any_event_is_not_laid_on_the_trigger() -> None:
    assert refusal("async.data.a == 1 / 0").problem == "division by zero"


def test_an_expression_has_at_most_4096_characters() -> None:
    longest = "true" + " " * 4092
    assert plan(NAME, longest, event()).alternatives
    assert refusal(longest + " ").problem == "it has 4,097 characters; at most 4,096 are allowed"
    assert len(str(refusal("x" * 1_000_000))) < 200


def test_macros_are_nested_at_most_three_deep() -> None:
    three = "async.data.a.exists(x, x.exists(y, y.exists(z, {}))) && async.data.b.exists(x, x == 1)"
    assert plan(NAME, three.format("z == 1"), event()).alternatives
    problem = refusal(three.format("z.exists(w, w == 1)"))
    assert (problem.problem, problem.position) == ("macros are nested more than 3 deep, the most allowed", 47)


@pytest.mark.parametrize("nested", ["{}true{}".format("(" * 2000, ")" * 2000), " && ".join(["true"] * 500)])
def test_what_is_written_flat_may_be_long(nested: str) -> None:
    assert not plan(NAME, nested, event()).never


@pytest.mark.parametrize(
    "nested", ["!" * 200 + "true", "true == " * 200 + "true", "[" * 200 + "]" * 200 + " == []", "-" * 500 + "1 == 1"]
)
def test_parts_are_nested_at_most_a_hundred_deep(nested: str) -> None:
    assert refusal(nested).problem == "its parts are nested more than 100 deep, the most allowed"


@pytest.mark.parametrize(
    ("form", "around"),
    [
        ("async.data.n{} > 5", " + 0"),
        ("!(async.data.a == 1 && (async.data.n{} > 5))", " + 0"),
        ("{}has(async.data.n)", "!!"),
        # What is left of this one is nested deeper than it is itself.
        ("async.data.n{} > 9 ? async.data.a == 2 : async.data.a == 2 && async.data.n > 5", " + 0"),
    ],
)
def test_what_is_just_not_too_deep_is_planned_and_evaluated(form: str, around: str) -> None:
    deepest = max(times for times in range(101) if accepted(form.format(around * times)))
    assert deepest > 40
    assert outcome(form.format(around * deepest), {}, {"n": 6, "a": 2}) == MATCH


def accepted(expression: str) -> bool:
    try:
        plan(NAME, expression, event())
    except ExpressionError:
        return False
    return True


@pytest.mark.parametrize("macro", ["all", "exists", "exists_one", "filter"])
def test_only_map_takes_a_third_argument(macro: str) -> None:
    with pytest.raises(ExpressionError):
        plan(NAME, f"size(async.data.list.{macro}(a, true, a > 1)) == 0", event())
    assert plan(NAME, "size(async.data.list.map(a, a > 1, a)) == 0", event()).alternatives
