"""Odd inputs: JSON texts, messages of the queues, requests, expressions. Most of them are nearly right."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.unit.matching.expressions import asked_of, data, questions

__all__ = [
    "expressions",
    "json_texts",
    "json_values",
    "messages",
    "queue_texts",
    "raw_events",
    "requests",
    "signal_requests",
    "signals",
]

Texts = SearchStrategy[str]

SPECIAL = [
    *["", " ", ".", "#", "$", "__proto__", "tarry", "v", "\x00", "\ud83d", "\ude00", "\ufffe", "ключ", "😀", "e\u0301"],
    *["tarry/function.failed", "tarry/scheduled", "2026-01-05T12:00:00Z", "9999-12-31T23:59:59Z", "x" * 600, "é" * 300],
]
NUMBERS: list[Any] = [
    *[0, -1, 1, -0.0, 0.1, 1e308, 5e-324, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 10**4_299],
    *[253_402_300_799_999, 253_402_300_800_000, -62_135_596_800_001, 1_767_614_400_000],
]

keys = st.sampled_from([*SPECIAL, "a", "b", "id", "data", "ts", "user", "name", "orderId"]) | st.text(max_size=5)
scalars = (
    st.sampled_from([None, True, False])
    | st.sampled_from(NUMBERS)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(SPECIAL)
    | st.text(max_size=12)
)


def _nested(levels: int, shape: str) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if shape == "list" else {"a": value}
    return value


deep = st.builds(
    _nested, st.sampled_from([5, 90, 101, 199, 200, 201, 202, 400, 900]), st.sampled_from(["list", "object"])
)
wide = st.builds(
    lambda count, item: [item] * count, st.sampled_from([100, 5_000, 20_000]), st.sampled_from([None, 0, "a", 0.5])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
odd_values = st.one_of(json_values, json_values, json_values, deep, wide)
json_objects = st.dictionaries(keys, odd_values, max_size=4)

_BROKEN = [
    *["", " ", "{", "[]", '"text"', "null", "1", "{} {}", "NaN", '{"a":NaN}', '{"a":1e400}', '{"a":Infinity}'],
    *['{"detail":' + "[" * 20_000, "[" * 20_000 + "]" * 20_000, '{"a":' + "1" * 4_400 + "}", "\ufeff{}"],
    *['{"a":1,"a":{"b":2}}', '{"tarry":"start"}', '{"tarry":null}', '{"tarry":{}}', '{"a":"\\ud800"}'],
]


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


json_texts = json_values.map(_dumped) | json_objects.map(_dumped) | st.sampled_from(_BROKEN)

queue_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r"), min_size=1, max_size=80
)
"""Texts of the characters that SQS carries."""


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """The text with a piece of it cut out, doubled or replaced."""
    start = draw(st.integers(0, max(0, len(text) - 1)))
    end = min(len(text), start + draw(st.integers(0, 12)))
    middle = draw(st.sampled_from(["", text[start:end] * 2, "null", "{}", '"', "\\", "1e999", "[]"]) | queue_texts)
    return text[:start] + middle + text[end:]


def _envelope(fields: dict[str, Any]) -> dict[str, Any]:
    usual = {
        "version": "0",
        "id": "e1",
        "detail-type": "placed",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-01-05T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"id": 1},
    }
    return usual | fields


names = st.sampled_from(["placed", "paid", "placed", "paid", "tarry/scheduled", "tarry/invoked"]) | st.text(max_size=10)
sdk_details = st.fixed_dictionaries(
    {"v": st.sampled_from([1, 1, 1, 1.0, True, 2, "1"]), "id": st.sampled_from(["x", "y"]) | odd_values},
    optional={"ts": odd_values, "data": json_objects | odd_values, "user": odd_values},
)
details = st.one_of(json_objects, json_objects, sdk_details, odd_values)
raw_events = st.fixed_dictionaries(
    {"detail-type": names, "source": st.sampled_from(["shop", "tarry.fuzz", "tarry.", ""]), "detail": details},
    optional={"id": st.text(max_size=8) | odd_values, "time": odd_values, "resources": odd_values},
).map(lambda fields: _dumped(_envelope(fields)))
"""EventBridge events with odd details, and now and then other odd fields."""

RUN, STEP = "<run>", "<step>"
"""Stand for a run that is there, and for the key of its step."""

ids = st.sampled_from([RUN, RUN, RUN, "01AAAAAAAAAAAAAAAAAAAAAAAA", "", "é"]) | odd_values
steps = st.sampled_from([STEP, STEP, STEP, "missing", ""]) | odd_values
times = st.sampled_from([0, 1, 1_767_614_400_000]) | odd_values
cursors = st.sampled_from([None, None, "0000000000001#x", "x", ""]) | odd_values
carried = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["placed", "paid"]) | odd_values,
        "id": st.sampled_from(["e1", "e2"]) | odd_values,
        "source": st.sampled_from(["shop"]) | odd_values,
        "received_at": times,
        "event": st.none()
        | odd_values
        | st.fixed_dictionaries(
            {
                "name": st.sampled_from(["placed", "paid"]) | odd_values,
                "data": json_objects | odd_values,
                "id": st.sampled_from(["e1"]) | odd_values,
                "ts": times,
                "user": st.none() | odd_values,
                "source": st.sampled_from(["shop"]) | odd_values,
            }
        ),
    }
)
_FIELDS: dict[str, dict[str, SearchStrategy[Any]]] = {
    "start": {"run_id": ids, "function_id": st.sampled_from(["order"]) | odd_values, "carried": carried},
    "resume": {"run_id": ids, "step_key": steps, "carried": carried, "after": cursors},
    "wake": {"run_id": ids, "due": times},
    "deadline": {"run_id": ids, "step_key": steps, "after": cursors},
    "look": {"run_id": ids, "step_key": steps, "after": cursors},
    "returned": {"run_id": ids, "step_key": steps},
    "signalled": {"run_id": ids, "step_key": steps},
    "continue": {"run_id": ids},
    "cancel": {"run_id": ids},
    "due": {
        "run_id": ids,
        "step_key": steps | st.none(),
        "step_kind": st.sampled_from(["wait", "run", "sleep"]) | odd_values,
        "due": times,
    },
    "settle": {"run_id": ids, "step_key": steps, "excluded": st.just([]) | odd_values, "after": cursors},
    "marker": {"run_id": ids, "step_key": steps, "deadline": times, "has_waited": st.booleans() | odd_values},
    "fanout": {"match_key": st.just("paid#x") | odd_values, "after": cursors, "until": cursors, "carried": carried},
}


def messages(*kinds: str) -> Texts:
    """Messages of these kinds with odd fields, texts that are nearly such, and texts that are none."""
    of_kinds = st.one_of(
        *(st.fixed_dictionaries({"tarry": st.just(kind), **_FIELDS[kind]}).map(_dumped) for kind in kinds)
    )
    return st.one_of(of_kinds, of_kinds, of_kinds, of_kinds.flatmap(mutated), json_texts, queue_texts)


event_bodies = st.one_of(raw_events, raw_events, raw_events.flatmap(mutated), messages("marker", "fanout", "start"))

requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "GET", "POST", "PUT", "DELETE", "OPTIONS"]),
        "path": st.builds(
            "/{}/{}{}".format,
            st.sampled_from(["events", "runs", "runs", "other"]),
            st.sampled_from([RUN, "e1", "%00", "%ff", "%ed%a0%80", "%2F", "..", "x" * 3_000]) | st.text(max_size=10),
            st.sampled_from(["", "", "/cancel", "/", "//"]),
        ),
        "query": st.none()
        | st.dictionaries(
            st.sampled_from(["name", "since", "other"]),
            st.sampled_from(["placed", "1d", "1w", "9" * 5_000 + "d", "-1d", "1e9d", "", "\x00", "0", "366d", "367d"])
            | st.text(max_size=10),
            max_size=3,
        ),
        "body": st.none() | json_texts,
    }
)

signals = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["s/1", "s/2", "s/3"]) | odd_values,
        "data": odd_values | st.binary(max_size=3) | st.just({1: 2}) | st.floats(),
        "id": st.none() | st.sampled_from(["a", "b"]) | odd_values,
        "keep": st.none() | st.sampled_from(["1h", "0s", "-1h", "400d", 5, -5]) | odd_values,
    }
)

signal_requests = odd_values | st.fixed_dictionaries(
    {"name": st.sampled_from(["s/1", "s/2"]) | odd_values},
    optional={
        "data": json_texts
        | st.sampled_from(["[" * 40_000, "{", "NaN", "9" * 5_000, '"x"' + " " * 200_000])
        | odd_values,
        "id": st.sampled_from(["a", "b"]) | odd_values,
        "keep": st.sampled_from([0, -1, 1, True, 10**15]) | odd_values,
        "call": st.sampled_from(["c", "c" * 65]) | odd_values,
        "match_key": odd_values,
    },
)
"""What a stranger gives the signals Lambda."""

_CALLS = [
    *[
        "{0}.matches({1})",
        "{0}.contains({1})",
        "{0}.startsWith({1})",
        "{0} + {1}",
        "{0} * {1}",
        "{0} / {1}",
        "{0} % {1}",
    ],
    *["size({0}) == {1}", "int({0}) == {1}", "double({0}) == {1}", "string({0}) == {1}", "timestamp({0}) > now()"],
    *["duration({0}) == duration({1})", "date({0}) < now()", "{0} in {1}", "{0}[{1}] == 1", "type({0}) == {1}", "-{0}"],
    *["{0}.map(x, x + x) == {1}", "{0}.filter(x, x in {1}) == {0}", "{0}.all(x, {1}.exists(y, x == y))", "bytes({0})"],
    *["has({0}.a)", "{0} == {1}", "{0} < {1}", "!{0}", "lowercase({0}) == {1}", "{0}.getHours({1}) == 1", "uint({0})"],
]
_OPERANDS = [
    *["async.data.a", "async.data.b", "event.data.a", "event.data.b", "async.data", "event", "async.ts", "now()"],
    *["'(a*)*b'", "'(a|a)*$'", "'('", "'[[:alpha:]]'", "'" + "a?" * 200 + "a" * 200 + "'", "1u", "b'\\xff'", "'1.5e'"],
    *["9223372036854775807", "-9223372036854775808", "1e308", "'9999-12-31T23:59:59Z'", "'292y'", "[]", "{}", "null"],
    *["'" + "9" * 900 + "'", "9" * 900, "[1, 'a', null]", "{'a': 1}", "'Europe/Paris'", "'+99:99'", "'\\x00'"],
]
texts_of_operands = st.sampled_from(_OPERANDS)
calls = st.builds(
    lambda form, one, two: form.format(one, two), st.sampled_from(_CALLS), texts_of_operands, texts_of_operands
)
nested_calls = st.builds(
    lambda form, one, two: form.format(f"({one})", f"({two})"), st.sampled_from(_CALLS), calls, calls
)
booleans = st.builds("({}) && ({})".format, calls, calls) | st.builds("({}) || ({})".format, calls, nested_calls)


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An expression, the data of its trigger event, and those of an incoming event."""
    went = draw(data | json_objects)
    kind = draw(st.integers(0, 5))
    text = asked_of(draw(questions), went) if kind < 2 else draw(st.one_of(calls, nested_calls, booleans))
    if kind == 5:
        text = draw(mutated(text) | st.text(max_size=60))
    big = st.sampled_from(["a" * 300_000, list(range(60_000)), "1" * 300_000, ["a" * 1_000] * 500, 10**4_000])
    came = draw(st.just(went) | json_objects | st.builds(lambda a, b: {"a": a, "b": b}, big, odd_values | big))
    return text, went, came
