"""``where`` and ``bind``: values of the run in a wait. They are compared, and never become code."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarry import EventMatch, ExpressionError, UsageError
from tarry._cel.condition_text import condition_text
from tarry.event import Event
from tarry_backend.matching import Condition, MatchError, Plan, evaluate_whole
from tests.unit.matching.examples import examples
from tests.unit.matching.expressions import FIELDS, Data, asked_of, data, literal, near, plain_questions, values
from tests.unit.matching.scenario import MATCH, NAME, RECEIVED_AT, by_key, event, planned, resolved

HARD: list[Any] = [
    '"',
    "'",
    "\\",
    "\\n",
    "\n",
    "`",
    "' || true || '",
    '" || true || "',
    '"] == 1 || async.data.b["',
    "😀",
    "é",
    "e\u0301",
    "\u0000",
    "\u2028",
    "async.data.b",
    "x" * 5_000,
    10**20,
    -(10**20),
    10**400,
    2**63,
    0.1,
    1e300,
    -0.0,
    True,
    False,
    None,
    [],
    {},
    [1, [2, {"a": "'"}]],
    {"a": {'"': ["😀", 10**20]}, "": None},
]
"""Values that would break, or change, an expression into which they were pasted."""


def match(**conditions: Any) -> Condition:
    """The condition of a wait, with its values as the SDK gives them on."""
    asked = EventMatch(NAME, **conditions)
    return Condition(expression=asked.if_exp, where=asked.where, bind=asked.bind, data_type=asked.data_type)


def plans(condition: Condition, trigger: Event | None = None) -> tuple[Plan, Plan]:
    """With and without an index."""
    trigger = trigger or event()
    return planned(condition, trigger), planned(condition, trigger, indexed=False)


def answers(condition: Condition, incoming: Data) -> bool:
    """The same with and without an index."""
    [with_index, without] = [resolved(plan, event(incoming)) == MATCH for plan in plans(condition)]
    assert with_index == without
    return with_index


@pytest.mark.parametrize("value", HARD, ids=lambda value: repr(value)[:30])
def test_a_value_equals_itself_and_nothing_else_whatever_it_is(value: Any) -> None:
    for condition in (match(where={"data.a": value}), match(if_exp="async.data.a == it", bind={"it": value})):
        assert answers(condition, {"a": value})
        for other in HARD:
            assert answers(condition, {"a": other, "b": value}) is (other == value and type(other) is type(value))
        assert not answers(condition, {"b": value})


@pytest.mark.parametrize("value", HARD, ids=lambda value: repr(value)[:30])
def test_a_value_in_a_residual_is_a_binding_beside_the_text(value: Any) -> None:
    condition = match(if_exp="async.data.a != it", bind={"it": value})
    [alternative] = plans(condition)[0].alternatives
    assert alternative.residual == "(async.data.a != b0)"
    assert alternative.bindings == {"b0": value}
    assert not answers(condition, {"a": value})
    assert answers(condition, {"a": "another"})


def test_equalities_of_where_are_the_key() -> None:
    [alternative] = plans(match(where={"data.order": "o-1", "data.items[0].sku": 7, "user.e-mail": "a"}))[
        0
    ].alternatives
    assert alternative.shape == '[["data","items",0,"sku"],["data","order"],["user","e-mail"]]'
    assert alternative.residual is None


def test_a_bound_equality_is_in_the_key_with_those_of_where_and_the_rest_is_the_residual() -> None:
    condition = match(
        where={"data.order": "o-1"},
        if_exp="async.data.shop == shop && async.data.total > limit",
        bind={"shop": "s", "limit": 100},
    )
    [alternative] = plans(condition)[0].alternatives
    assert alternative.shape == '[["data","order"],["data","shop"]]'
    assert (alternative.residual, alternative.bindings) == ("(async.data.total > b0)", {"b0": 100})
    assert answers(condition, {"order": "o-1", "shop": "s", "total": 101})
    assert not answers(condition, {"order": "o-1", "shop": "s", "total": 100})
    assert not answers(condition, {"order": "o-2", "shop": "s", "total": 101})


def test_where_goes_with_a_match_path() -> None:
    trigger = event({"user": "u"})
    condition = Condition(expression="async.data.user == event.data.user", where={"data.order": 1})
    [alternative] = plans(condition, trigger)[0].alternatives
    assert alternative.shape == '[["data","order"],["data","user"]]'


def test_a_name_in_a_macro_and_a_name_like_a_binding_keep_their_values() -> None:
    condition = match(
        if_exp="async.data.items.exists(i, i.n > b0 && i.n < b1) && async.data.x != b0", bind={"b0": 1, "b1": 3}
    )
    assert answers(condition, {"items": [{"n": 2}], "x": 2})
    assert not answers(condition, {"items": [{"n": 3}], "x": 2})
    assert not answers(condition, {"items": [{"n": 2}], "x": 1})


def test_the_condition_for_people_shows_the_values_and_cuts_long_ones() -> None:
    shown = condition_text("async.data.b > limit", {"data.a": "'"}, {"limit": 1})
    assert shown == 'async.data.a == "\'" && (async.data.b > limit) with limit = 1'
    assert len(condition_text(None, {"data.a": "x" * 5_000}, None)) < 150
    assert condition_text(None, None, None) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("event", "means something else"),
        ("async", "means something else"),
        ("true", "means something else"),
        ("in", "means something else"),
        ("int", "means something else"),
        ("now", "means something else"),
        ("size", "means something else"),
        ("matches", "means something else"),
        ("exists", "means something else"),
        ("map", "means something else"),
        ("has", "means something else"),
        ("a b", "give letters, digits"),
        ("1a", "give letters, digits"),
        ("", "give letters, digits"),
        ("é", "give letters, digits"),
        ("a\n", "give letters, digits"),
    ],
)
def test_a_name_that_means_something_else_or_is_none_cannot_be_bound(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        match(if_exp="async.data.a == 1", bind={name: 1})


@pytest.mark.parametrize("option", ["where", "bind"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "nan"),
        ([1, float("inf")], "inf"),
        (b"a", "bytes"),
        ({1}, "set"),
        ({1: 2}, "keys must be strings"),
        ("\ud83d", "half of a surrogate pair"),
        (["\ude00"], "half of a surrogate pair"),
        (10**5_000, "digits"),
    ],
    ids=["nan", "infinity", "bytes", "a set", "a key", "half", "other half", "digits"],
)
def test_a_value_that_is_not_json_is_refused_by_its_place(option: str, value: Any, why: str) -> None:
    given_ = (
        {"where": {"data.a": value}} if option == "where" else {"if_exp": "async.data.a == it", "bind": {"it": value}}
    )
    with pytest.raises(UsageError, match=why) as caught:
        match(**given_)
    assert option in str(caught.value)


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({"where": {}}, "where is {}"),
        ({"where": "data.a"}, "where is 'data.a'"),
        ({"where": [("data.a", 1)]}, "where is"),
        ({"where": {1: 1}}, "where has the key 1"),
        ({"bind": {"a": 1}}, "if_exp, which is missing"),
        ({"bind": {"a": 1}, "match": "data.a"}, "if_exp, which is missing"),
        ({"bind": {}, "if_exp": "true"}, "bind is {}"),
        ({"match": ""}, "match is ''"),
        ({"if_exp": " "}, "if_exp is ' '"),
    ],
)
def test_what_says_nothing_is_refused(conditions: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError) as caught:
        match(**conditions)
    assert why in str(caught.value)


@dataclass
class Paid:
    __tarry_event__ = NAME
    order: str
    total: float


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition(where={"order": 1}), "a path begins with a field of the event"),
        (Condition(where={"data.": 1}), "expected a path"),
        (Condition(where={"data.a'] == 1 || true || async.data['b": 1}), "expected a path"),
        (Condition(expression="async.data.a == 1", bind={"it": 1}), "does not use the bound name 'it'"),
        (Condition(expression="async.data.a.exists(it, it == 1)", bind={"it": 1}), "that is a bound name"),
        (Condition(expression="async.data.a == its", bind={"it": 1}), "did you mean 'it'?"),
        (Condition(expression="async.data.a == it.x", bind={"it": {"y": 1}}), "it.x is missing"),
        (Condition(expression="async.data.a.matches(it)", bind={"it": "("}), "is not a pattern"),
        (Condition(where={"data.Order": "o"}, data_type=Paid), "did you mean 'order'?"),
        (Condition(where={"data.order": 7}, data_type=Paid), "is text"),
        (Condition(where={"data.order": None}, data_type=Paid), "is null"),
        (Condition(expression="async.data.total > it", bind={"it": "7"}, data_type=Paid), "without an order"),
        (Condition(expression="async.data.a != it", bind={"it": "x" * 70_000}), "more than 64,000 characters"),
    ],
)
def test_a_condition_that_cannot_be_is_an_error_of_the_wait(condition: Condition, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        planned(condition, event())
    assert why in str(caught.value)


def test_a_value_too_large_for_a_key_is_compared_by_the_residual() -> None:
    large = list(range(6_000))
    condition = match(where={"data.a": large})
    assert not by_key(plans(condition)[0])
    assert answers(condition, {"a": large})
    assert not answers(condition, {"a": [*large[:-1], 0]})


def pasted(question: str, bind: Data) -> str:
    """The expression with its values as literals."""
    for name, value in bind.items():
        question = question.replace(name, literal(value))
    return question


@st.composite
def situations(draw: st.DrawFn) -> tuple[Condition, str, Event, list[Event]]:
    """A condition with values, the expression with the same values pasted into it, and events."""
    went: Data = draw(data)
    trigger = event(draw(data), id="1")
    fields = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2, unique=True))
    where = {f"data.{field}": went[field] if field in went else draw(values) for field in fields}
    parts = [f"async.data[{json.dumps(path[5:])}] == {literal(value)}" for path, value in where.items()]
    bind: Data = {}
    question = None
    if draw(st.booleans()):
        bind = {f"val{field[0]}": value for field, value in went.items()}
        question = asked_of(draw(plain_questions), {})
        for field in went:
            question = question.replace(f'event.data["{field}"]', f"val{field[0]}").replace(
                f"event.data.{field}", f"val{field[0]}"
            )
        bind = {name: value for name, value in bind.items() if name in question}
        parts.append(f"({pasted(question, bind)})")
    if question is not None and draw(st.booleans()):
        where, parts = {}, parts[-1:]
    asked = EventMatch(NAME, if_exp=question, where=where or None, bind=bind or None)
    condition = Condition(expression=asked.if_exp, where=asked.where, bind=asked.bind)
    came = [went, *(draw(near(went)) for _ in range(2)), draw(data)]
    return condition, " && ".join(parts), trigger, [event(each, id="1") for each in came]


def snapshot(condition: Condition | str, trigger: Event, incoming: Event) -> bool:
    try:
        return evaluate_whole(condition, trigger, incoming, RECEIVED_AT)
    except MatchError:
        return False


def test_the_index_never_changes_the_answer_of_where_and_bind() -> None:
    counts: Counter[tuple[bool, bool]] = Counter()

    @examples(600)
    @given(situations())
    def agrees(situation: tuple[Condition, str, Event, list[Event]]) -> None:
        condition, whole, trigger, incoming = situation
        try:
            both = plans(condition, trigger)
        except ExpressionError:
            return  # the trigger lacks a field: see test_agreement
        for one in incoming:
            expected = snapshot(whole, trigger, one)
            counts[by_key(both[0]), expected] += 1
            assert [resolved(plan, one) == MATCH for plan in both] == [expected, expected]
            assert snapshot(condition, trigger, one) is expected

    agrees()
    assert min(counts[found_by_key, matches] for found_by_key in (True, False) for matches in (True, False)) > 25
