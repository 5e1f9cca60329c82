"""cel-python's evaluator is another one than ours: where it keeps to the standard, the two agree.

It is given the standard's comparisons and ``size``, which it lacks. Its macros, ``has``, indexes, sums and maps are
left out: they go over the letters of a text, add one to false, hold an error for a value, or break down. So is the
comparison of a conjunction, which it takes for false where a part is no boolean, and what writes out an integer of more
than 64 bits: it has none, and is given those of the events past its check.
"""

import logging
import operator
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import cache
from typing import Any

from celpy import Environment, Runner, celtypes
from celpy.evaluation import CELEvalError
from hypothesis import assume, given
from hypothesis import strategies as st

from tarry.event import Event
from tarry_backend.matching import MatchError, evaluate_whole
from tests.unit.matching.examples import examples
from tests.unit.matching.expressions import asked_of, data, near, plain_questions
from tests.unit.matching.scenario import RECEIVED_AT, event

Answer = bool | None
NUMBERS = (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)


def converted(value: Any) -> Any:
    """A JSON value as one of cel-python's."""
    if value is None:
        return None
    if isinstance(value, bool):
        return celtypes.BoolType(value)
    if isinstance(value, int | float):
        return celtypes.DoubleType(value) if isinstance(value, float) else int.__new__(celtypes.IntType, value)
    if isinstance(value, str):
        return celtypes.StringType(value)
    if isinstance(value, list):
        return celtypes.ListType(map(converted, value))
    return celtypes.MapType({celtypes.StringType(key): converted(item) for key, item in value.items()})


def exact(number: Any) -> Fraction:
    return Fraction(float(number) if isinstance(number, celtypes.DoubleType) else int(number))


def same(left: Any, right: Any) -> bool:
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        return exact(left) == exact(right)
    if type(left) is not type(right) or left is None:
        return left is right
    if isinstance(left, celtypes.ListType):
        return len(left) == len(right) and all(map(same, list(left), list(right)))
    if isinstance(left, celtypes.MapType):
        mine, other = ({str(key): item for key, item in each.items()} for each in (left, right))
        return mine.keys() == other.keys() and all(same(mine[key], other[key]) for key in mine)
    return str(left) == str(right)


def ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def between(left: Any, right: Any) -> bool:
        if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
            return compare(exact(left), exact(right))
        if type(left) is type(right) and isinstance(left, celtypes.StringType | celtypes.BoolType):
            return compare(str(left), str(right))
        raise TypeError

    return between


def within(item: Any, container: Any) -> bool:
    if isinstance(container, celtypes.ListType):
        return any(same(item, element) for element in list(container))
    if isinstance(container, celtypes.MapType) and isinstance(item, (celtypes.StringType, celtypes.BoolType, *NUMBERS)):
        return isinstance(item, celtypes.StringType) and str(item) in map(str, container)
    raise TypeError


def lowercase(text: Any) -> Any:
    if not isinstance(text, celtypes.StringType):
        raise TypeError
    return celtypes.StringType(text.lower())


def size(container: Any) -> Any:
    return celtypes.IntType(len(container))


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors go in and come out as values."""

    def call(*arguments: Any) -> Any:
        error = next((argument for argument in arguments if isinstance(argument, CELEvalError)), None)
        try:
            result = function(*arguments) if error is None else error
        except TypeError as problem:
            return CELEvalError("no such overload", TypeError, problem.args)
        return celtypes.BoolType(result) if isinstance(result, bool) else result

    return call


FUNCTIONS = {
    "_==_": strict(same),
    "_!=_": strict(lambda left, right: not same(left, right)),
    "_<_": strict(ordered(operator.lt)),
    "_<=_": strict(ordered(operator.le)),
    "_>_": strict(ordered(operator.gt)),
    "_>=_": strict(ordered(operator.ge)),
    "_in_": strict(within),
    "lowercase": strict(lowercase),
    "size": strict(size),
}


@cache
def environment() -> Environment:
    """cel-python logs errors that it goes on to absorb, and changes Python's recursion limit."""
    logging.getLogger("celpy").setLevel(logging.CRITICAL)
    limit = sys.getrecursionlimit()
    made = Environment()
    sys.setrecursionlimit(limit)
    return made


def theirs(program: Runner, trigger: Event, incoming: Event) -> Answer:
    names = ("name", "data", "id", "ts", "user", "source")
    context = {
        variable: converted({name: getattr(each, name) for name in names})
        for variable, each in (("event", trigger), ("async", incoming))
    }
    try:
        answer = program.evaluate(context)
    except CELEvalError:
        return None
    return bool(answer) if isinstance(answer, celtypes.BoolType) else None


def ours(expression: str, trigger: Event, incoming: Event) -> Answer:
    try:
        return evaluate_whole(expression, trigger, incoming, RECEIVED_AT)
    except MatchError:
        return None


OTHERWISE = re.compile(r"\[0\]|\+|{'a': (async|event)|\(true == | != [!(]")

BEYOND_64_BITS = re.compile(r"(?<![0-9.])(?!18446744073709551615u)[0-9]{19,}")

in_common = plain_questions.filter(lambda question: not OTHERWISE.search(question))


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, Event, list[Event]]:
    went = draw(data)
    came = [event(went, id="1"), event(draw(near(went)), id="1"), event(draw(data), id="1")]
    asked = asked_of(draw(in_common), went)
    assume(not BEYOND_64_BITS.search(asked))
    return asked, event(went, id="1"), came


def test_both_evaluators_agree() -> None:
    answers: Counter[Answer] = Counter()

    @examples(300)
    @given(situations())
    def agree(situation: tuple[str, Event, list[Event]]) -> None:
        expression, trigger, incoming = situation
        program = environment().program(environment().compile(expression), functions=FUNCTIONS)
        for one in incoming:
            with suppress(IndexError):  # its stack of values runs empty where an error stands beside an empty list
                answer = theirs(program, trigger, one)
                answers[answer] += 1
                assert ours(expression, trigger, one) is answer

    agree()
    assert min(answers[True], answers[False], answers[None]) > 50
