"""The rows X1 to X30 of the cases, each under its number. ``a`` is the incoming event's data, ``e`` the trigger's."""

from collections.abc import Mapping
from typing import Any

import pytest

from tarry.errors import ExpressionError
from tarry_backend.matching import Plan, match_expression, match_key, plan
from tests.unit.matching.scenario import (
    COUNTED,
    MATCH,
    NAME,
    NONE,
    Outcome,
    by_key,
    event,
    found,
    outcome,
    planned,
    resolved,
)

Data = Mapping[str, Any]


@pytest.mark.parametrize(("came", "expected"), [("7", MATCH), ("8", NONE)])
def test_x01_the_same_id(came: str, expected: Outcome) -> None:
    assert outcome("async.data.id == event.data.id", {"id": "7"}, {"id": came}) == expected


def test_x02_a_number_is_not_its_text_and_that_is_no_error() -> None:
    assert outcome("async.data.id == event.data.id", {"id": 7}, {"id": "7"}) == NONE


def test_x03_an_integer_equals_a_double() -> None:
    assert outcome("async.data.n == event.data.n", {"n": 1}, {"n": 1.0}) == MATCH


@pytest.mark.parametrize(("flag", "expected"), [(True, MATCH), (1, NONE), ("true", NONE)])
def test_x04_only_true_is_true(flag: object, expected: Outcome) -> None:
    assert outcome("async.data.flag == true", {}, {"flag": flag}) == expected


@pytest.mark.parametrize(("came", "expected"), [({"x": None}, MATCH), ({}, NONE)])
def test_x05_null_is_not_missing(came: Data, expected: Outcome) -> None:
    assert outcome("async.data.x == null", {}, came) == expected


@pytest.mark.parametrize(("came", "expected"), [({}, MATCH), ({"x": None}, NONE)])
def test_x06_has_asks_for_presence(came: Data, expected: Outcome) -> None:
    assert outcome("!has(async.data.x)", {}, came) == expected


def test_x07_a_field_that_the_trigger_lacks_fails_the_wait_and_is_named() -> None:
    with pytest.raises(ExpressionError, match=r"at position 17: event\.data\.missing is missing in the event"):
        plan(NAME, "async.data.id == event.data.missing", event({"id": "7"}))


@pytest.mark.parametrize(("came", "expected"), [({"n": 6}, MATCH), ({"n": "6"}, COUNTED), ({}, COUNTED)])
def test_x08_an_order_that_is_none_is_counted(came: Data, expected: Outcome) -> None:
    assert outcome("async.data.n > 5", {}, came) == expected


def test_x09_the_literal_may_stand_on_the_left() -> None:
    assert outcome("5 < async.data.n", {}, {"n": 6}) == MATCH


@pytest.mark.parametrize("text", ['Ä "q" \n', "'", "\\", "\x00\u2028", "𝄞 e\u0301", "b0", "a // b", ""])
def test_x10_any_text_is_safe_in_a_value(text: str) -> None:
    assert outcome("async.data.name == event.data.name", {"name": text}, {"name": text}) == MATCH
    assert outcome("async.data.name + '' == event.data.name", {"name": text}, {"name": text}) == MATCH
    assert outcome("async.data.name == event.data.name", {"name": text}, {"name": text + "x"}) == NONE


def test_x10_a_text_with_quotes_and_newline_is_safe_in_an_expression() -> None:
    assert outcome(r'async.data.name == "Ä \"q\" \n"', {}, {"name": 'Ä "q" \n'}) == MATCH


@pytest.mark.parametrize(("amount", "expected"), [(99, NONE), (100, MATCH)])
def test_x11_the_key_and_the_rest(amount: int, expected: Outcome) -> None:
    expression = "async.data.id == event.data.id && async.data.amount >= 100.0"
    assert by_key(planned(expression, event({"id": "7"})))
    assert outcome(expression, {"id": "7"}, {"id": "7", "amount": amount}) == expected


@pytest.mark.parametrize(
    "expression", ['async.data.s == "ok" || async.data.s == "done"', 'async.data.s in ["ok", "done"]']
)
@pytest.mark.parametrize(("came", "expected"), [("ok", MATCH), ("done", MATCH), ("no", NONE)])
def test_x12_x13_alternatives_are_asked_by_key(expression: str, came: str, expected: Outcome) -> None:
    wait = planned(expression, event())
    assert by_key(wait)
    assert len(wait.alternatives) == 2
    assert outcome(expression, {}, {"s": came}) == expected


def test_x14_a_negated_conjunction() -> None:
    assert outcome('!(async.data.s == "no" && async.data.n == 1)', {}, {"s": "yes", "n": 1}) == MATCH


def test_x15_a_double_negation_is_asked_by_key() -> None:
    assert by_key(planned('!(async.data.s != "ok")', event()))
    assert outcome('!(async.data.s != "ok")', {}, {"s": "ok"}) == MATCH


def test_x16_either_of_two_fields() -> None:
    assert outcome('async.data.flag == true || async.data.k == "1"', {}, {"flag": False, "k": "1"}) == MATCH


def test_x17_a_field_that_is_no_identifier_is_asked_by_key() -> None:
    expression = 'async.data["user-id"] == event.data["user-id"]'
    assert by_key(planned(expression, event({"user-id": "u"})))
    assert outcome(expression, {"user-id": "u"}, {"user-id": "u"}) == MATCH


@pytest.mark.parametrize(("items", "expected"), [([], NONE), ([{"sku": "A"}], MATCH)])
def test_x18_a_place_in_a_list(items: list[Data], expected: Outcome) -> None:
    assert outcome('async.data.items[0].sku == "A"', {}, {"items": items}) == expected


def test_x19_one_of_the_items() -> None:
    expression = "async.data.items.exists(i, i.sku == event.data.sku)"
    assert outcome(expression, {"sku": "A"}, {"items": [{"sku": "B"}, {"sku": "A"}]}) == MATCH
    assert outcome(expression, {"sku": "A"}, {"items": [{"sku": "B"}, {"sku": "C"}]}) == NONE


def test_x20_a_condition_that_the_trigger_fails_can_only_time_out() -> None:
    wait = planned("event.data.vip == true && async.data.id == event.data.id", event({"vip": False, "id": "7"}))
    assert wait.never


@pytest.mark.parametrize(("level", "expected"), [(1, MATCH), (2, NONE)])
def test_x21_the_trigger_chooses_the_branch(level: int, expected: Outcome) -> None:
    expression = "event.data.vip ? async.data.level == 1 : async.data.level == 2"
    assert len(planned(expression, event({"vip": True})).alternatives) == 1
    assert outcome(expression, {"vip": True}, {"level": level}) == expected


def test_x22_without_regard_to_case() -> None:
    expression = "lowercase(async.data.mail) == lowercase(event.data.mail)"
    assert outcome(expression, {"mail": "A@x"}, {"mail": "a@X"}) == MATCH


@pytest.mark.parametrize(("tags", "expected"), [(["p", "q"], MATCH), (["q", "p"], NONE)])
def test_x23_lists_have_an_order(tags: list[str], expected: Outcome) -> None:
    assert outcome("async.data.tags == event.data.tags", {"tags": ["p", "q"]}, {"tags": tags}) == expected


def test_x24_a_field_alone_is_no_question() -> None:
    with pytest.raises(ExpressionError, match=r"async\.data\.name is not a boolean; write async\.data\.name == true"):
        plan(NAME, "async.data.name", event())


@pytest.mark.parametrize(
    ("expression", "position", "problem"),
    [
        ("async.data.id ===  1", 16, "expected a value, found '='; write =="),
        ("frob(async.data.id)", 0, r"unknown function frob\(\)"),
    ],
)
def test_x25_what_does_not_compile_says_where_and_what(expression: str, position: int, problem: str) -> None:
    with pytest.raises(ExpressionError, match=f"at position {position}: {problem}") as raised:
        plan(NAME, expression, event())
    assert (raised.value.expression, raised.value.position) == (expression, position)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, MATCH),
        ({"name": "y"}, NONE),
        ({"source": "aws.s3"}, NONE),
        ({"user": {"id": 2}}, NONE),
        ({"user": None}, NONE),
    ],
)
def test_x26_the_fields_of_the_envelope(fields: Mapping[str, Any], expected: Outcome) -> None:
    expression = 'async.name == "x" && async.source == "shop" && async.user.id == event.data.id'
    wait = planned(expression, event({"id": 1}))
    assert by_key(wait)
    assert resolved(wait, event(**{"name": "x", "source": "shop", "user": {"id": 1}, **fields})) == expected


@pytest.mark.parametrize(("big", "expected"), [(9007199254740993, MATCH), (9007199254740992, NONE)])
def test_x27_large_integers_are_not_rounded(big: int, expected: Outcome) -> None:
    assert outcome("async.data.big == 9007199254740993", {}, {"big": big}) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "async.data.big == 11111111111111111111",
        "async.data.big == event.data.big",
        match_expression("data.big"),
        "async.data.big in [event.data.big]",
        "async.data.list == [event.data.big]",
        "async.data.map == {'a': [event.data.big]}",
        "async.data.list.exists(x, x == event.data.big)",
        "event.data.big in async.data.list",
        "async.data.big >= event.data.big && async.data.big <= 11111111111111111111",
        "string(async.data.big) == '11111111111111111111'",
        "dyn(async.data.big) == json_parse('11111111111111111111')",
        "{async.data.big: 'it'}[event.data.big] == 'it'",
        "{11111111111111111111: 'it'}[async.data.big] == 'it'",
    ],
)
@pytest.mark.parametrize(
    ("big", "expected"),
    [
        (11111111111111111111, True),
        (11111111111111111112, False),
        (11111111111111111110, False),
        (float(11111111111111111111), False),
    ],
)
def test_x27_integers_beyond_64_bits_keep_their_value(expression: str, big: float, expected: bool) -> None:
    trigger = {"big": 11111111111111111111}
    incoming = {"big": big, "list": [big], "map": {"a": [big]}}
    assert (outcome(expression, trigger, incoming) == MATCH) is expected


@pytest.mark.parametrize(
    ("at", "expected"), [("2025-01-01T00:30:00+02:00", NONE), ("2024-12-31T23:30:00Z", MATCH), ("soon", COUNTED)]
)
def test_x28_times_are_compared_as_times(at: str, expected: Outcome) -> None:
    expression = "timestamp(async.data.at) > timestamp(event.data.at)"
    assert outcome(expression, {"at": "2024-12-31T23:00:00Z"}, {"at": at}) == expected


def test_x29_without_an_expression_every_event_of_the_name_matches() -> None:
    wait = planned(None, event())
    assert resolved(wait, event({"anything": 1})) == MATCH
    assert match_key("another/name", wait.alternatives[0].shape, event()) != wait.alternatives[0].key


def test_x30_one_of_fifty_one_waits_is_found_whatever_the_others_are() -> None:
    expression = "async.data.id == event.data.id && async.data.n > event.data.n"
    waits: list[Plan] = [planned(expression, event({"id": str(number), "n": 1})) for number in range(51)]
    came = event({"id": "50", "n": 2})
    assert [number for number, wait in enumerate(waits) if found(wait, came)] == [50]
    assert resolved(waits[50], came) == MATCH
