"""The operations of an app's answer: strictly read, and named as people named the steps."""

import hashlib
from typing import Any

import pytest

from tarry_backend.remote.op_reader import key_of, read_ops
from tarry_backend.remote.ops import Gateway, Invoke, OpError, Raised, Ran, Signal, Sleep, Wait, hash_of, moment_of

DAY = 86_400_000


def sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def op(kind: str, step: str = "s", **fields: Any) -> dict[str, Any]:
    return {"id": sha(step), "op": kind, "userland": {"id": step}, **fields}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"id": sha("a"), "userland": {"id": "a"}}, "a"),
        ({"id": sha("a:2"), "userland": {"id": "a", "index": 2}}, "a:2"),
        ({"id": sha("a"), "userland": {"id": "other"}}, f"#{sha('a')}"),
        ({"id": sha("a")}, f"#{sha('a')}"),
        ({"id": sha("#a"), "userland": {"id": "#a"}}, f"#{sha('#a')}"),
        ({"id": sha("tarry/x"), "userland": {"id": "tarry/x"}}, f"#{sha('tarry/x')}"),
        ({"id": sha("x" * 513), "userland": {"id": "x" * 513}}, f"#{sha('x' * 513)}"),
        ({"id": sha(""), "userland": {"id": ""}}, f"#{sha('')}"),
    ],
)
def test_a_step_has_the_name_of_the_users_code_where_the_hash_bears_it_out(given: dict[str, Any], key: str) -> None:
    assert key_of(given) == key
    assert hash_of(key) == given["id"]


def test_each_operation_is_read() -> None:
    assert read_ops(
        [
            op("StepRun", data={"n": 1}),
            op("StepRun", data={"ids": []}, opts={"type": "step.sendEvent"}),
            op("StepError", error={"message": "x"}),
            op("StepFailed", error=None),
            op("Sleep", name="1s"),
            op("Sleep", opts={"duration": "2s"}),
            op("WaitForEvent", name="x/y", opts={"timeout": "1d", "if": "true"}),
            op("WaitForEvent", opts={"event": "x/y", "timeout": ""}),
            op("WaitForSignal", name="go", opts={"signal": "go", "timeout": "1h"}),
            op("InvokeFunction", opts={"function_id": "a-b", "payload": {"data": {"x": 1}}, "timeout": "1h"}),
        ]
    ) == (
        Ran(key="s", value={"n": 1}),
        Ran(key="s", value={"ids": []}, is_send=True),
        Raised(key="s", error={"message": "x"}, is_final=False),
        Raised(key="s", error=None, is_final=True),
        Sleep(key="s", until="1s"),
        Sleep(key="s", until="2s"),
        Wait(key="s", event="x/y", timeout="1d", if_exp="true"),
        Wait(key="s", event="x/y", timeout=""),
        Signal(key="s", signal="go", timeout="1h"),
        Invoke(key="s", function_id="a-b", data={"x": 1}, user=None, timeout="1h"),
    )


@pytest.mark.parametrize(
    ("form", "url", "header"),
    [
        ("openai-chat", "https://m/v1", ("authorization", "Bearer k")),
        ("anthropic", "https://m/v1", ("x-api-key", "k")),
        ("gemini", "https://m/v1?key=k", None),
    ],
)
def test_a_model_gets_its_key_as_its_provider_wants_it(form: str, url: str, header: tuple[str, str] | None) -> None:
    [read] = read_ops([op("AIGateway", opts={"url": "https://m/v1", "format": form, "auth_key": "k", "body": {}})])
    assert isinstance(read, Gateway)
    assert (read.url, read.method, read.is_model) == (url, "POST", True)
    assert header is None or read.headers[header[0]] == header[1]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        "x",
        [1],
        [{}],
        [{"id": ""}],
        [{"id": 1, "op": "StepRun"}],
        [op("Sleep")],
        [op("WaitForEvent", name="x")],
        [op("WaitForEvent", name="x", opts={"timeout": 1})],
        [op("WaitForSignal", name="x", opts={"signal": "x", "timeout": "1h", "conflict": "replace"})],
        [op("InvokeFunction", opts={})],
        [op("DeferAdd")],
        [op("RunComplete")],
        [op("DiscoveryRequest")],
        [{"id": sha("x")}],
    ],
)
def test_what_is_not_of_the_protocol_is_refused(answer: Any) -> None:
    with pytest.raises(OpError):
        read_ops(answer)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("", 0),
        ("1s", 1_000),
        ("1w2d", 9 * DAY),
        ("1.5h", 5_400_000),
        ("10ms", 10),
        ("1500us", 2),
        ("90m", 5_400_000),
        (" 1d ", DAY),
    ],
)
def test_a_span_is_read(text: str, span: int) -> None:
    assert moment_of(text, 1_000_000) == 1_000_000 + span


@pytest.mark.parametrize(
    "text", ["2026-01-05T12:00:00.250Z", "2026-01-05T13:00:00.250+01:00", "2026-01-05T12:00:00.250"]
)
def test_a_time_is_read(text: str) -> None:
    assert moment_of(text, 1_767_600_000_000) == 1_767_614_400_250


@pytest.mark.parametrize("text", ["soon", "1", "-1s", "1y", "367d", "9" * 400 + "w", "2099-01-01T00:00:00Z", "1s x"])
def test_what_is_no_span_within_a_year_is_refused(text: str) -> None:
    with pytest.raises(OpError):
        moment_of(text, 1_767_600_000_000)
