"""An app's answer: whatever it is, it is read or refused, and nothing else happens."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarry_backend.remote.answers import Answer, AppError, FunctionError, Reply, Result, read_answer, retry_of
from tarry_backend.remote.ops import Planned

SDK = {"x-inngest-sdk": "js:v4"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OPS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["StepRun", "StepError", "Sleep", "WaitForEvent", "InvokeFunction", "AIGateway", "X"])},
        optional={
            "id": st.text(max_size=50) | st.integers(),
            "name": st.text(max_size=9) | st.none(),
            "data": JSON,
            "error": JSON,
            "opts": JSON,
            "userland": JSON,
        },
    ),
    max_size=3,
)


@given(st.sampled_from([200, 201, 206, 400, 401, 410, 500, 503]), OPS | JSON, st.dictionaries(st.text(), st.text()))
def test_any_json_is_read_or_refused(status: int, body: Any, headers: dict[str, str]) -> None:
    answer = Answer(status, {**headers, **SDK}, json.dumps(body).encode())
    with suppress(AppError):
        assert isinstance(read_answer(answer), Result | FunctionError | Reply)


@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(status: int, body: bytes) -> None:
    with suppress(AppError):
        assert isinstance(read_answer(Answer(status, SDK, body)), Result | FunctionError | Reply)


def test_an_error_keeps_what_the_sdk_sends_beside_and_says_whether_it_is_final() -> None:
    error = {"name": "Bad", "message": "no", "stack": "at x", "cause": {"name": "Deep"}, "data": {"n": 1}}
    read = read_answer(Answer(500, {**SDK, "x-inngest-no-retry": "true"}, json.dumps(error).encode()))
    assert isinstance(read, FunctionError)
    assert (read.error.name, read.error.message, read.error.stack, read.is_final) == ("Bad", "no", "at x", True)
    assert json.loads(read.error.data or "") == {"cause": {"name": "Deep"}, "data": {"n": 1}}


@pytest.mark.parametrize("body", [{"message": "only"}, "text", None, 7])
def test_an_error_of_any_form_has_a_message(body: Any) -> None:
    read = read_answer(Answer(400, SDK, json.dumps(body).encode()))
    assert isinstance(read, FunctionError)
    assert read.error.message
    assert not read.is_final


def test_a_streamed_answer_is_unwrapped() -> None:
    inner = {
        "status": 206,
        "headers": {"Retry-After": "9"},
        "body": json.dumps([{"id": "x" * 40, "op": "StepPlanned"}]),
    }
    read = read_answer(Answer(201, SDK, b"   \n " + json.dumps(inner).encode()))
    assert isinstance(read, Reply)
    assert read.ops == (Planned(key=f"#{'x' * 40}"),)
    assert read.retry is not None


@pytest.mark.parametrize("after", ["12", "0.5", "2026-01-05T12:00:00Z", "2026-01-05T12:00:00+01:00"])
def test_the_time_of_the_next_attempt_is_read(after: str) -> None:
    assert retry_of({"retry-after": after}) is not None


@pytest.mark.parametrize("after", ["", "soon", "-1", "NaN", "2026-01-05T12:00:00", "9" * 20])
def test_what_is_no_time_is_none(after: str) -> None:
    assert retry_of({"retry-after": after}) is None
