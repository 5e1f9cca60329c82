"""The page on Inngest's dialect says what its evaluator answers."""

import re
from collections.abc import Mapping

import pytest

from tarry_backend.matching import Condition, MatchError, evaluate_whole
from tests.unit.matching.scenario import RECEIVED_AT, event
from tests.unit.repository import ROOT

PAGE = (ROOT / "docs/inngest-expressions.md").read_text()
ROWS = [
    (expression.replace("\\|", "|"), *cells.split(" | "))
    for expression, cells in re.findall(
        r"^\| `(.+)` \| ((?:true|false|no value|match|no match)(?: \| .+)?) \|$", PAGE, re.M
    )
]
FIELDS = [row for row in ROWS if len(row) == 3]
WAITS = [row for row in ROWS if len(row) == 4]


def answer(expression: str, trigger: Mapping[str, object], incoming: Mapping[str, object]) -> str:
    condition = Condition(expression=expression, dialect="inngest")
    try:
        return str(evaluate_whole(condition, event(trigger), event(incoming), RECEIVED_AT)).lower()
    except MatchError:
        return "no value"


@pytest.mark.parametrize(("expression", "missing", "null"), FIELDS)
def test_a_missing_field_and_null_do_what_the_table_says(expression: str, missing: str, null: str) -> None:
    assert answer(expression, {}, {}) == missing
    assert answer(expression, {"x": None, "y": None}, {}) == null


@pytest.mark.parametrize(("expression", "missing", "null", "other"), WAITS)
def test_what_the_trigger_lacks_is_looked_for_as_the_table_says(
    expression: str, missing: str, null: str, other: str
) -> None:
    expected = [{"match": "true", "no match": "false"}[each] for each in (missing, null, other)]
    assert [answer(expression, {}, data) for data in ({}, {"id": None}, {"id": "7"})] == expected


def test_the_tables_are_there() -> None:
    assert (len(FIELDS), len(WAITS)) == (37, 4)
