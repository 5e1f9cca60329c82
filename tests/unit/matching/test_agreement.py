"""The index never changes an answer: plans and keys against evaluating the whole expression."""

from collections import Counter
from dataclasses import replace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from tarry.errors import ExpressionError
from tarry.event import Event
from tarry_backend.matching import MatchError, Plan, evaluate_whole
from tests.unit.matching.examples import examples
from tests.unit.matching.expressions import Data, asked_of, data, near, questions
from tests.unit.matching.scenario import MATCH, RECEIVED_AT, by_key, event, planned, resolved

users = st.sampled_from([None, {}, {"id": "1"}, {"id": 1}])


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, Event, list[Event]]:
    """An expression, a trigger, and incoming events: one with its data, some nearly so, one with any."""
    went = draw(data)
    came: list[Data] = [went, *(draw(near(went)) for _ in range(3)), draw(data)]
    trigger = event(went, id="1", user=draw(users))
    return asked_of(draw(questions), went), trigger, [event(each, id="1", user=draw(users)) for each in came]


def snapshot(expression: str, trigger: Event, incoming: Event) -> bool:
    try:
        return evaluate_whole(expression, trigger, incoming, RECEIVED_AT)
    except MatchError:
        return False


def plans(expression: str, trigger: Event) -> tuple[Plan, Plan] | None:
    """With and without an index; None if the trigger lacks what the expression asks of it."""
    try:
        return planned(expression, trigger), planned(expression, trigger, indexed=False)
    except ExpressionError:
        return None


def test_a_plan_answers_as_the_whole_expression_does() -> None:
    answers: Counter[tuple[bool, bool]] = Counter()

    @examples(1_000)
    @given(situations())
    def agrees(situation: tuple[str, Event, list[Event]]) -> None:
        expression, trigger, incoming = situation
        both = plans(expression, trigger)
        if both is None:
            refused(expression, trigger)
            return
        for one in incoming:
            expected = snapshot(expression, trigger, one)
            answers[by_key(both[0]), expected] += 1
            assert [resolved(plan, one) == MATCH for plan in both] == [expected, expected]

    agrees()
    assert min(answers[found_by_key, matches] for found_by_key in (True, False) for matches in (True, False)) > 100


def refused(expression: str, trigger: Event) -> None:
    """A plan is refused only if the answer for an event of which nothing can be known is an error, or false.

    It is false where another operand of an ``&&`` is: ``null < null`` in it is an error for each event all the same.
    """
    unknowable = replace(event(), data=cast(Any, None))
    if not any(field in expression for field in ("async.id", "async.user", "async.source")):
        assert not snapshot(expression, trigger, unknowable)
