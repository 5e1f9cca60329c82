"""The conditions of an expression one by one: whether each holds, and with which values."""

import pytest

from tarry import Event
from tarry_backend.matching import Condition, MatchError, evaluate_whole, trigger_conjuncts, wait_conjuncts
from tarry_backend.matching.conjuncts import MAX_VALUE

TRIGGER = Event("placed", {"id": 7, "tags": ["a"], "n": None})
EVENT = Event("paid", {"id": "7", "items": [{"n": 1}, {"n": 2}], "total": 9.5, "ok": True})


def shown(expression: str) -> list[tuple[bool | None, str]]:
    return [(each.holds, str(each)) for each in wait_conjuncts(expression, TRIGGER, EVENT, 1_000)]


@pytest.mark.parametrize(
    ("expression", "holds", "text"),
    [
        ("async.data.id == event.data.id", False, "async.data.id == event.data.id: '7' (string) and 7 (int)"),
        ("event.data.n == async.data.ok", False, "event.data.n == async.data.ok: null (null) and true (bool)"),
        ("async.data.total in [1, 2]", False, "async.data.total in [1, 2]: 9.5 (double) and [1, 2] (list)"),
        ("async.data.gone == 1", None, "async.data.gone == 1: async.data.gone is missing"),
        (
            "async.data.id > event.data.id",
            None,
            "async.data.id > event.data.id: string and int have no order; '7' (string) and 7 (int)",
        ),
        ("has(async.data.gone)", False, "has(async.data.gone): async.data is"),
        ("async.data.items.exists(i, i.n > 2)", False, "async.data.items.exists(i, (i.n > 2)): async.data.items is ["),
        (
            "async.data.id == '8' || async.data.total == 1.0",
            False,
            "(async.data.id == '8') || (async.data.total == 1.0): async.data.id is '7' (string), async.data.",
        ),
        (
            "now() < timestamp('1970-01-01T00:00:01Z')",
            False,
            "1970-01-01T00:00:01Z (timestamp) and 1970-01-01T00:00:01Z",
        ),
        (
            "string(now()) == async.data.id",
            False,
            "string(now()) == async.data.id: '1970-01-01T00:00:01Z' (string) and '7' (string)",
        ),
        ("async.data[event.data.n] == 1", None, "async.data[event.data.n] == 1: null_type cannot be a key of a map"),
        ("async.data.list == [1]", None, "async.data.list == [1]: async.data.list is missing"),
        ("1 < async.data.gone", None, "1 < async.data.gone: async.data.gone is missing"),
        ("size(async.data.items[0]) == 2", False, "size(async.data.items[0]) == 2: 1 (int) and 2 (int)"),
        ("size([1]) == 2 || async.data.ok == false", False, "(async.data.ok == false): async.data.ok is true (bool)"),
    ],
)
def test_a_condition_says_its_values_with_their_types(expression: str, holds: bool | None, text: str) -> None:
    [(found, said)] = shown(expression)
    assert found is holds
    assert text in said


def test_each_conjunct_stands_by_itself_and_together_they_answer_as_the_whole() -> None:
    expression = "(async.data.ok == true && async.data.total > 9.0) && async.data.id == event.data.id"
    assert [holds for holds, _ in shown(expression)] == [True, True, False]
    assert not evaluate_whole(expression, TRIGGER, EVENT, 1_000)


def test_a_condition_that_has_no_value_is_none_where_the_whole_is_an_error() -> None:
    with pytest.raises(MatchError):
        evaluate_whole("async.data.gone > 1", TRIGGER, EVENT, 1_000)
    assert [holds for holds, _ in shown("async.data.gone > 1")] == [None]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1 < async.data.gone", "1 < async.data.gone: async.data.gone is missing"),
        ("async.data.gone < 1", "async.data.gone < 1: async.data.gone is missing"),
        (
            "async.data.total < async.data.gone",
            "async.data.total < async.data.gone: async.data.gone is missing; async.data.total is 9.5 (double)",
        ),
        (
            "has(async.data.gone) || [async.data.ok][0] == false",
            "has(async.data.gone) || ([async.data.ok][0] == false): async.data is "
            '{"id": "7", "items": [{"n": 1}, {"n": 2}], "total": 9.5, "ok": true} (map), async.data.ok is true (bool)',
        ),
        ("now() < now()", "now() < now(): 1970-01-01T00:00:01Z (timestamp) and 1970-01-01T00:00:01Z (timestamp)"),
        ("[now()] == []", '[now()] == []: ["1970-01-01T00:00:01Z"] (list) and [] (list)'),
    ],
)
def test_only_values_that_a_reader_does_not_see_in_the_text_are_shown(expression: str, text: str) -> None:
    assert [said for _, said in shown(expression)] == [text]


def test_a_conjunct_that_is_no_boolean_is_a_problem() -> None:
    assert shown("async.data.ok && async.data.id")[1] == (
        None,
        "async.data.id: it is '7', not a boolean; async.data.id is '7' (string)",
    )


def test_a_trigger_is_told_of_its_one_event() -> None:
    [conjunct] = trigger_conjuncts("event.data.total > 10.0", EVENT, 1_000)
    assert (conjunct.holds, str(conjunct)) == (False, "event.data.total > 10.0: 9.5 (double) and 10.0 (double)")


def test_values_are_cut_and_have_no_control_character() -> None:
    event = Event("paid", {"id": "\x1b[31m\n" * 1_000, "all": {"k": ["\x07" * 50] * 50}})
    for conjunct in wait_conjuncts("async.data.id == '' && async.data.all == 1", TRIGGER, event, 1_000):
        assert not {"\x1b", "\n", "\x07"} & set(str(conjunct))
        assert all(len(operand.value) <= MAX_VALUE for operand in conjunct.operands)


def test_an_expression_of_many_conditions_is_bounded() -> None:
    parts = [f"(async.data.id != '{number}')" for number in range(100, 180)]
    conjuncts = wait_conjuncts(" && ".join(parts), TRIGGER, EVENT, 1_000)
    assert len(conjuncts) == 33
    assert all(conjunct.holds for conjunct in conjuncts)
    assert conjuncts[31].text == parts[31][1:-1]
    assert conjuncts[32].text == " && ".join(parts[32:])


@pytest.mark.parametrize("count", [32, 33])
def test_what_is_left_of_many_conditions_is_one_more_only_if_it_is_more_than_one(count: int) -> None:
    expression = " && ".join(f"async.data.id != '{number}'" for number in range(100, 100 + count))
    texts = [each.text for each in wait_conjuncts(expression, TRIGGER, EVENT, 1_000)]
    assert texts == expression.split(" && ")


def test_two_that_are_left_are_one_more() -> None:
    expression = " && ".join(f"async.data.id != '{number}'" for number in range(100, 134))
    assert len(wait_conjuncts(expression, TRIGGER, EVENT, 1_000)) == 33


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 98, f"'{'x' * 98}'"),
        ("x" * 99, f"'{'x' * 98}…"),
        ("\n" * 60, "'" + "\\n" * 49 + "…"),
        ([1] * 33 + [10], f"[{'1, ' * 33}10]"[:99] + "…"),
        (["x" * 96], f'["{"x" * 96}"]'),
        (float("inf"), "Infinity"),
    ],
)
def test_a_value_has_a_hundred_characters_at_most(value: object, shown: str) -> None:
    [conjunct] = wait_conjuncts("async.data.a == 1", TRIGGER, Event("paid", {"a": value}), 1_000)
    assert conjunct.operands[0].value == shown


def test_an_event_that_is_nested_too_deeply_is_a_problem_that_says_so() -> None:
    deep: list[object] = []
    for _ in range(200_000):  # how deep Python's JSON goes, differs by version
        deep = [deep]
    [conjunct] = wait_conjuncts("async.data.a == async.data.a", TRIGGER, Event("paid", {"a": deep}), 1_000)
    assert (conjunct.holds, conjunct.problem) == (None, "a value is nested more than 100 deep, the most allowed")
    assert [operand.value for operand in conjunct.operands] == ["nested too deeply to show"] * 2


def test_a_wait_without_a_condition_has_no_conjunct() -> None:
    assert wait_conjuncts(Condition(), TRIGGER, EVENT, 1_000) == ()
