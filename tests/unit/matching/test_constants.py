"""What no event can make right, as the text alone shows, is an error before the first event."""

import pytest

from tarry import ExpressionError
from tarry._cel.checks import checked

BOTH = frozenset({"event", "async"})


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("async.data.name.matches('(')", "'(' is not a pattern"),
        ("matches(async.data.name, '[a')", "'[a' is not a pattern"),
        ("async.data.name.matches('a' + '(')", "'a(' is not a pattern"),
        ("timestamp('x') < now()", "'x' is not a time"),
        ("timestamp(async.data.at) - timestamp('x') > duration('1h')", "'x' is not a time"),
        ("duration('1d') > duration(async.data.span)", "'1d' is not a duration"),
        ("date('tomorrow') < now()", "'tomorrow' is not a date"),
        ("now_plus('1 day') > date(async.data.at)", "'1 day' is not a duration"),
        ("now_minus('') > date(async.data.at)", "'' is not a duration"),
        ("b64decode('!!!') == async.data.text", "b64decode: "),
        ("json_parse('{') == async.data", "json_parse: "),
        ("int('seven') == async.data.n", "'seven' is not an integer"),
        ("timestamp(async.data.at).getHours('Nowhere/Land') == 1", "'Nowhere/Land' is not a time zone"),
        ("async.data.name.startsWith(7)", "no 'startsWith' for a value and int"),
        ("async.data.name.contains(['a'])", "no 'contains' for a value and list"),
        ("lowercase(async.data.name.size()) == 'a'", "no 'lowercase' for int"),
        ("async.data.items.exists(i, i.name.matches('('))", "'(' is not a pattern"),
        ("async.data.a == 1 || async.data.b.matches('(')", "'(' is not a pattern"),
    ],
)
def test_constants_that_a_function_does_not_take_are_refused(call: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        checked(call, BOTH)
    assert caught.value.problem.startswith(problem) or problem in caught.value.problem
    assert caught.value.position is not None


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.name.matches('^a.*z$')",
        "async.data.name.matches(async.data.pattern)",
        "timestamp('2024-01-31T12:00:00Z') < now()",
        "date('2024-01-31') < now_plus('7d')",
        "timestamp(async.data.at).getHours('Europe/Paris') == 1",
        "timestamp(async.data.at).getHours() == duration('90m').getHours()",
        "size(async.data.items) > size('abc')",
        "b64decode('YQ==') == async.data.text",
        "json_parse(async.data.text).a == 1",
        "type(async.data.a) == int && string(async.data.n) == '1'",
        "dyn(async.data.a).startsWith('a')",
        "['a', 'b'].exists(x, async.data.name.startsWith(x))",
    ],
)
def test_what_a_function_takes_is_accepted(expression: str) -> None:
    checked(expression, BOTH)
