"""Expressions and events for property tests, made so that they nearly match.

All data has the same few fields, and all values come from one small pool of look-alikes: 1, 1.0, "1" and true.
Most equalities ask for what the trigger has.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Data = dict[str, Any]
Text = SearchStrategy[str]

FIELDS = ("a", "b", "c", "d-e")
SCALARS: list[Any] = [
    *[None, True, False, 0, 1, 1.0, 2, 2.5, -0.0, 9007199254740993, 9007199254740992.0],
    *[2**64, 2.0**64, 2**64 + 1, 11111111111111111111, 11111111111111111112, -(2**63) - 1],
    *["", "1", "A", "a", "true", "é"],
]
LITERALS = [
    *["null", "true", "false", "0", "1", "1.0", "2", "-1", "9007199254740993", "1u"],
    *["11111111111111111111", "18446744073709551616", "18446744073709551615u", "1.8446744073709552e19"],
    *["''", "'1'", "'a'", "r'A'", r"'\u00e9'", "[]", "[1]", "{}", "{'a': 1.0}"],
]


def weighted(*choices: tuple[int, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """One of several strategies, some more often than others."""
    table = [strategy for weight, strategy in choices for _ in range(weight)]
    which = st.integers(0, len(table) - 1)

    @st.composite
    def chosen(draw: st.DrawFn) -> Any:
        return draw(table[draw(which)])

    return chosen()


scalars = st.sampled_from(SCALARS)
records = st.dictionaries(st.sampled_from(FIELDS), scalars, max_size=2)
values = weighted((5, scalars), (1, st.lists(scalars, max_size=3)), (1, records), (1, st.lists(records, max_size=2)))


fields = st.sampled_from(FIELDS)
# Hypothesis looks at each new strategy for longer than it draws from one that it knows.
no_or_one_field, one_or_two_fields = st.lists(fields, max_size=1), st.lists(fields, min_size=1, max_size=2)
ways = st.integers(0, 3)


@st.composite
def _data(draw: st.DrawFn) -> Data:
    full = {field: draw(values) for field in FIELDS}
    for field in draw(no_or_one_field):
        del full[field]
    return full


data = _data()
"""A value for each field; now and then one is missing."""


@st.composite
def near(draw: st.DrawFn, original: Mapping[str, Any]) -> Data:
    """Data that differs in one field or two: it is missing, or has another value that looks alike."""
    changed = dict(original)
    for field in draw(one_or_two_fields):
        changed.pop(field, None)
        how = draw(ways)
        if how > 0:
            changed[field] = draw(values if how == 1 else st.sampled_from(_alike(original.get(field))))
    return changed


def _alike(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [int(value), str(value).lower()]
    if isinstance(value, int | float):
        other = int(value) if isinstance(value, float) else float(value)
        return [other, other, str(value), value + 1]
    return [[value], {"a": value}]


def literal(value: Any) -> str:
    """A JSON value as CEL writes it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value)


shallow = st.sampled_from([".a", ".b", ".c", '["d-e"]'])
deep = st.sampled_from([".a.b", ".b[0]", ".c[0].a", '.a["d-e"]'])
came = weighted((5, shallow), (1, deep)).map("async.data{}".format)
went = weighted((9, shallow), (1, deep)).map("event.data{}".format)
paths = weighted((2, came), (1, went))
envelope = st.sampled_from(["async.id", "event.id", "async.user.id", "event.user", "async.source"])
literals = st.sampled_from(LITERALS)
made = (
    st.builds("[{}, {}]".format, paths, literals)
    | paths.map("{{'a': {}}}".format)
    | came.map("lowercase({})".format)
    | came.map("size({})".format)
    | st.builds("({} + {})".format, came, literals)
)
plain_operands = weighted((4, paths), (3, literals), (1, envelope), (1, made))
operands = weighted((9, plain_operands), (1, came.map("{}.map(x, x)".format)))
operators = st.sampled_from(["==", "!=", "!=", "!=", "<", "<=", ">", ">="])
presences = st.builds("has({}.data.{})".format, st.sampled_from(["async", "event"]), st.sampled_from(["a", "b", "a.b"]))
lists = st.lists(literals, max_size=3).map(lambda items: f"[{', '.join(items)}]")
plain_comparisons = st.builds("({} {} {})".format, came, operators, plain_operands)
comparisons = st.builds("({} {} {})".format, operands, operators, operands)
memberships = st.builds("({} in {})".format, paths, weighted((3, lists), (1, paths)))


# Questions that an event like the trigger answers with yes; {it} is filled in by ``asked_of``.
equalities = st.builds(
    lambda form, field: form.format(came=f'async.data["{field}"]', went=f'event.data["{field}"]', it=f"<{field}>"),
    st.sampled_from(
        [
            "({came} == {went})",
            "({came} == {it})",
            "({it} == {came})",
            "!({went} != {came})",
            "({came} in ['no', {went}, 0])",
            "({came} in [{it}, {it}, true])",
            "(({came} == {it}) == true)",
            "(false == ({went} != {came}))",
        ]
    ),
    st.sampled_from(FIELDS),
)


guarded = st.builds(
    "({0} {1} (async.data.{2} {3} {4}))".format,
    st.sampled_from(["has(async.data.a)", "!has(async.data.a)", "has(async.data.a.b)", "!has(async.data.b.a)"]),
    st.sampled_from(["&&", "&&", "||"]),
    st.sampled_from(["a", "a", "a.b", "b", "b.a"]),
    st.sampled_from(["==", "==", "!="]),
    st.sampled_from(["1", "'1'", "null", "event.data.a", "event.data.b"]),
)


constants = st.sampled_from(["true", "false"])
plain_leaves = weighted((4, equalities), (4, plain_comparisons), (2, memberships), (1, constants))
leaves = weighted((4, equalities), (3, comparisons), (1, memberships), (1, presences), (1, guarded), (1, constants))
forms = st.sampled_from(
    [
        "({0} && {1})",
        "({0} && {1} && {2})",
        "({0} || {1})",
        "({0} || {1} || {2})",
        "(!{0})",
        "({0} ? {1} : {2})",
        "(true == {0})",
        "({0} != {1})",
    ]
)


@st.composite
def _joined(draw: st.DrawFn, part: Text) -> str:
    """A question about questions. Now and then a path stands in the place of one."""
    form = draw(forms)
    parts = [draw(part) for number in range(3) if f"{{{number}}}" in form]
    if form[1] != "!" and draw(st.integers(0, 12)) == 0:
        parts[0] = draw(came)
    return form.format(*parts)


@st.composite
def _over(draw: st.DrawFn, part: Text) -> str:
    """A question about each item of a list."""
    macro = draw(st.sampled_from(["exists", "all", "exists_one"]))
    return f"{draw(came)}.{macro}(x, x == {draw(operands)} || {draw(part)})"


simple = weighted((2, leaves), (3, _joined(leaves)), (1, _over(leaves)))
questions = weighted((1, leaves), (6, _joined(simple)), (3, _joined(_joined(simple))), (1, _over(simple)))
plain_questions = _joined(weighted((2, plain_leaves), (2, _joined(plain_leaves))))
"""Without macros and ``has``."""


def asked_of(question: str, trigger: Mapping[str, Any]) -> str:
    """The question, with the trigger's values as literals where it has places for them."""
    return re.sub("<([a-e-]+)>", lambda field: literal(trigger.get(field[1])), question)
