"""The lean road reads each answer of DynamoDB as botocore does, or leaves it to botocore."""

import copy
import json
from base64 import b64encode
from typing import Any

import boto3
import pytest
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from tarry_backend.store.lean_answer import read, read_at_once
from tests.functional.roads.answers import ANSWERS, ODD

DYNAMODB = boto3.Session("key", "secret", region_name="eu-west-1").client("dynamodb").meta.service_model


def by_botocore(operation: str, body: bytes) -> Any:
    response: Any = {"status_code": 200, "headers": {}, "body": body}
    shape: Any = DYNAMODB.operation_model(operation).output_shape
    answer: Any = create_parser("json").parse(response, shape)
    del answer["ResponseMetadata"]
    return answer


@pytest.mark.parametrize(
    ("operation", "answer"), [(operation, answer) for operation, answers in ANSWERS.items() for answer in answers]
)
def test_an_answer_is_read_as_botocore_reads_it(operation: str, answer: Any) -> None:
    body = json.dumps(answer, ensure_ascii=True).encode()
    found = read(operation, body)
    assert found is None or found == by_botocore(operation, body)


def test_usual_answers_are_read_without_botocore() -> None:
    usual = [(operation, answers[0]) for operation, answers in ANSWERS.items()] + [
        ("GetItem", ANSWERS["GetItem"][1]),
        ("Query", ANSWERS["Query"][1]),
        ("UpdateItem", ANSWERS["UpdateItem"][1]),
    ]
    assert [read(operation, json.dumps(answer).encode()) is None for operation, answer in usual] == [False] * len(usual)


@pytest.mark.parametrize("body", ODD)
def test_an_odd_answer_is_read_as_botocore_reads_it_or_left_to_botocore(body: bytes) -> None:
    found = read("GetItem", body)
    assert found is None or found == by_botocore("GetItem", body)


def test_what_is_left_to_botocore_reaches_it_unchanged() -> None:
    response: Any = {"status_code": 200, "headers": {}, "body": b'{"Item": {"a": {"B": "YQ=="}, "b": {"X": "1"}}}'}
    before, customized = copy.deepcopy(response), dict[str, Any]()
    read_at_once(DYNAMODB.operation_model("GetItem"), response, customized)
    assert (response, customized) == (before, {})


@pytest.mark.parametrize("status", [201, 301, 400, 500])
def test_only_a_success_is_read(status: int) -> None:
    response: Any = {"status_code": status, "headers": {}, "body": b'{"Item": {"a": {"S": "a"}}}'}
    customized = dict[str, Any]()
    read_at_once(DYNAMODB.operation_model("GetItem"), response, customized)
    assert customized == {}


_TEXTS = st.text(max_size=5)
_BASE64 = st.binary(max_size=5).map(lambda data: b64encode(data).decode())
_LEAVES = st.one_of(
    st.tuples(st.sampled_from(["S", "N", "B", "X"]), st.one_of(_TEXTS, _BASE64, st.none(), st.integers())),
    st.tuples(st.just("B"), _BASE64),
    st.tuples(st.sampled_from(["BOOL", "NULL"]), st.one_of(st.booleans(), st.none())),
    st.tuples(st.sampled_from(["SS", "NS", "BS"]), st.lists(st.one_of(_BASE64, st.none()), max_size=3)),
).map(lambda pair: {pair[0]: pair[1]})
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: {"L": each}),
        st.dictionaries(_TEXTS, inner, max_size=3).map(lambda each: {"M": each}),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_any_item_is_read_as_botocore_reads_it_or_left_to_botocore(item: dict[str, Any]) -> None:
    body = json.dumps({"Items": [item], "Count": 1, "ScannedCount": 1}).encode()
    found = read("Query", body)
    assert found is None or found == by_botocore("Query", body)
