"""Which alternatives of an expression have a key, and what stays whole."""

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import NAME_ONLY
from tests.unit.matching.scenario import COUNTED, MATCH, NONE, by_key, event, outcome, planned

NINE = [f"async.data.f == {n}" for n in range(9)]
LARGE = list(range(6_000))


def shapes(expression: str) -> list[tuple[str, str | None]]:
    return [(one.shape, one.residual) for one in planned(expression, event({"large": LARGE, "n": 5})).alternatives]


def test_eight_alternatives_have_keys_and_nine_stay_whole() -> None:
    assert shapes(" || ".join(NINE[:8])) == [('[["data","f"]]', None)] * 8
    assert shapes(" || ".join(NINE)) == [(NAME_ONLY, f"({' || '.join(f'({part})' for part in NINE)})")]
    eight = " && ".join(part.replace("==", "!=") for part in NINE[:8])
    assert shapes(f"!({eight})") == [('[["data","f"]]', None)] * 8
    [(shape, residual)] = shapes(f"!({eight} && async.data.f != 8)")
    assert shape == NAME_ONLY
    assert residual is not None
    assert residual.startswith("(!((async.data.f != 0) && ")


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.a in [1, 2] && async.data.b in [1, 2, 3, 4, 5]",
        "async.data.b in [1, 2, 3, 4, 5] && async.data.a in [1, 2]",
    ],
)
def test_the_conditions_with_most_alternatives_are_left_to_the_residual(expression: str) -> None:
    assert shapes(expression) == [('[["data","a"]]', "(async.data.b in [1, 2, 3, 4, 5])")] * 2


@pytest.mark.parametrize(
    ("data", "expected"), [({"a": 1}, MATCH), ({"a": 1, "b": 2}, NONE), ({"a": 2}, NONE), ({"b": 1}, NONE)]
)
def test_a_field_that_must_be_absent_is_asked_for_beside_the_key(data: dict[str, int], expected: str) -> None:
    expression = "!has(async.data.b) && async.data.a == 1"
    assert by_key(planned(expression, event()))
    assert outcome(expression, {}, data) == expected


def test_a_choice_within_a_branch_is_split_too() -> None:
    expression = "async.data.c ? (async.data.d ? async.data.a == 1 : async.data.a == 2) : async.data.a == 3"
    assert [shape for shape, _ in shapes(expression)] == ['[["data","a"],["data","c"],["data","d"]]'] * 2 + [
        '[["data","a"],["data","c"]]'
    ]


def test_a_choice_with_a_choice_in_its_condition_stays_whole() -> None:
    expression = "(async.data.c ? async.data.d : async.data.e) ? async.data.a == 1 : async.data.a == 2"
    assert [shape for shape, _ in shapes(expression)] == [NAME_ONLY]


@pytest.mark.parametrize("items", ["[b'x', 2]", "[2, b'x']", "[now(), 1, 2]"])
def test_an_item_that_no_event_can_equal_hides_no_other_item(items: str) -> None:
    assert outcome(f"async.data.a in {items}", {}, {"a": 2}) == MATCH
    assert outcome(f"async.data.a in {items}", {}, {"a": 3}) == NONE


@pytest.mark.parametrize(
    "expression", ["[async.data.a][0] == 1", "{'k': async.data.a}.k == 1", "{'k': async.data}.k.a == 1"]
)
def test_a_path_into_a_value_that_the_expression_makes_is_no_key(expression: str) -> None:
    assert [shape for shape, _ in shapes(expression)] == [NAME_ONLY]
    assert outcome(expression, {}, {"a": 1}) == MATCH
    assert outcome(expression, {}, {"a": 2}) == NONE


def test_a_value_too_large_for_a_key_leaves_its_equality_to_the_residual() -> None:
    assert shapes("async.data.a == event.data.large") == [(NAME_ONLY, "(async.data.a == b0)")]
    assert shapes("!(async.data.a != event.data.large)") == [(NAME_ONLY, "(!(async.data.a != b0))")]


@pytest.mark.parametrize(
    ("whole", "residual"),
    [
        (" || ".join(NINE), f"({' || '.join(f'({part})' for part in NINE)})"),
        (f"!({' && '.join(NINE).replace('==', '!=')})", None),
        (f"(async.data.c ? ({' || '.join(NINE[:5])}) : ({' || '.join(NINE[4:])}))", None),
        (f"!(async.data.c ? ({' && '.join(NINE[:5])}) : ({' && '.join(NINE[4:])}))".replace("==", "!="), None),
        ("async.data.a == event.data.large", "(async.data.a == b0)"),
        ("!(async.data.a != event.data.large)", "(!(async.data.a != b0))"),
        ("async.data.a in [event.data.large]", "(async.data.a in b0)"),
    ],
)
def test_what_stays_whole_beside_a_key_is_asked_as_it_is_written(whole: str, residual: str | None) -> None:
    """Its opposite would let every other event through."""
    [(alone, written)] = shapes(whole)
    assert (alone, residual or written) == (NAME_ONLY, written)
    assert shapes(f"async.data.id == 1 && {f'({whole})' if ' || ' in whole else whole}") == [
        ('[["data","id"]]', written)
    ]


def test_two_conditions_beside_one_key_are_both_asked() -> None:
    expression = "async.data.a == 1 && async.data.n > 5 && async.data.m > 5"
    assert shapes(expression) == [('[["data","a"]]', "((async.data.n > 5) && (async.data.m > 5))")]
    assert outcome(expression, {}, {"a": 1, "n": 6, "m": 6}) == MATCH
    assert (
        outcome(expression, {}, {"a": 1, "n": 6, "m": 5}) == outcome(expression, {}, {"a": 1, "n": 5, "m": 6}) == NONE
    )


def test_a_condition_beside_a_key_is_computed_again_over_bound_inputs() -> None:
    expression = "async.data.a == 1 && timestamp(async.data.at) > timestamp(event.data.at)"
    [one] = planned(expression, event({"at": "2025-01-01T00:00:00Z"})).alternatives
    assert (one.shape, one.residual) == ('[["data","a"]]', "(timestamp(async.data.at) > timestamp(b0))")


# What the trigger event decides.


def test_a_part_that_is_true_is_left_out_and_one_that_decides_stands_for_the_whole() -> None:
    assert shapes("event.data.n == 5 && async.data.x > 1") == [(NAME_ONLY, "(async.data.x > 1)")]
    assert shapes("event.data.n == 6 || async.data.x > 1") == [(NAME_ONLY, "(async.data.x > 1)")]
    assert shapes("(event.data.n == 5 || async.data.x) != async.data.y") == [(NAME_ONLY, "(b0 != async.data.y)")]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("event.data.n && async.data.x > 1", "&& takes booleans; this value is of type int"),
        ("event.data.n || async.data.x > 1", "|| takes booleans; this value is of type int"),
        ("(event.data.n ? async.data.x : async.data.y) == 1", "?: takes booleans; this value is of type int"),
    ],
)
def test_a_value_of_the_trigger_that_is_no_boolean_is_an_error_where_it_stands(expression: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        planned(expression, event({"n": 5}))
    assert caught.value.problem == f"{problem} in the event that started the run"
    assert caught.value.position == expression.index("event.data.n")


def test_a_value_of_the_trigger_that_is_no_boolean_does_not_matter_where_another_part_decides() -> None:
    assert planned("event.data.n && event.data.n == 6 && async.data.x > 1", event({"n": 5})).never
    assert outcome("async.data.x || async.data.y > 1", {}, {"x": 5, "y": 2}) == MATCH
    assert outcome("async.data.x || async.data.y > 1", {}, {"x": 5, "y": 1}) == COUNTED


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"k": value}])
def test_a_bound_value_is_nested_a_hundred_deep_at_most(wrap: object) -> None:
    assert callable(wrap)
    value: object = 1
    for _ in range(100):
        value = wrap(value)
    [one] = planned("async.data.a != event.data.a", event({"a": value})).alternatives
    assert one.bindings == {"b0": value}
    with pytest.raises(ExpressionError, match="nested more than 100 deep"):
        planned("async.data.a != event.data.a", event({"a": wrap(value)}))
