"""Inngest's dialect: it answers as its table says, and the index never changes an answer."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tarry.errors import ExpressionError
from tarry.event import Event
from tarry_backend.matching import Condition, MatchError, Plan, evaluate_whole
from tarry_backend.matching.keys import envelope
from tests.unit.matching.examples import examples
from tests.unit.matching.expressions import Data, asked_of, came, data, near, questions, weighted
from tests.unit.matching.inngest_reference import reference
from tests.unit.matching.scenario import MATCH, RECEIVED_AT, by_key, event, planned, resolved

users = st.sampled_from([None, {}, {"id": "1"}, {"id": 1}])
truths = st.builds(
    "({} {} {})".format,
    weighted((2, came), (1, came.map("(!{})".format)), (1, questions)),
    st.sampled_from(["&&", "||"]),
    weighted((3, questions), (1, came)),
)
"""Values that count as true or false, beside questions."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, Event, list[Event]]:
    """An expression, a trigger that may lack fields, and incoming events: some with its data, or nearly so."""
    whole = draw(data)
    went = draw(near(whole)) if draw(st.booleans()) else whole
    incoming: list[Data] = [whole, went, *(draw(near(whole)) for _ in range(3)), draw(data)]
    expression = asked_of(draw(weighted((3, questions), (1, truths))), whole)
    trigger = event(went, id="1", user=draw(users))
    return expression, trigger, [event(each, id="1", user=draw(users)) for each in incoming]


def inngest(expression: str) -> Condition:
    return Condition(expression=expression, dialect="inngest")


def holds(expression: str, trigger: Event, incoming: Event) -> bool:
    try:
        return evaluate_whole(inngest(expression), trigger, incoming, RECEIVED_AT)
    except MatchError:
        return False


def plans(expression: str, trigger: Event) -> tuple[Plan, Plan] | None:
    """With and without an index; None if the expression is refused whatever the events are."""
    try:
        inngest(expression).node()
    except ExpressionError:
        return None
    return planned(inngest(expression), trigger), planned(inngest(expression), trigger, indexed=False)


def test_an_expression_is_true_when_the_table_says_so_and_its_plan_answers_the_same() -> None:
    answers: Counter[bool] = Counter()
    found: Counter[tuple[bool, bool]] = Counter()

    @examples(1_000)
    @given(situations())
    def agrees(situation: tuple[str, Event, list[Event]]) -> None:
        expression, trigger, incoming = situation
        both = plans(expression, trigger)
        if both is None:
            return
        for one in incoming:
            expected = reference(expression, envelope(trigger), envelope(one))
            answers[expected] += 1
            found[by_key(both[0]), expected] += 1
            assert holds(expression, trigger, one) is expected
            assert [resolved(plan, one) == MATCH for plan in both] == [expected, expected]

    agrees()
    assert min(answers.values()) > 1_000
    assert min(found[found_by_key, matches] for found_by_key in (True, False) for matches in (True, False)) > 100
