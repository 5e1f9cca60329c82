"""What an app answers: operations, a result, or an error. Strictly read, for another program may have answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import MAX_MESSAGE, MAX_NAME, MAX_STACK, plain
from tarry.durations import MAX_DURATION
from tarry.errors import DurationError, RetryAfterError, TarryError
from tarry_backend.model.failure import Failure
from tarry_backend.remote.op_reader import read_ops
from tarry_backend.remote.ops import Op, OpError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "AppError", "FunctionError", "Reply", "Result", "failure_of", "read_answer", "retry_of"]

SDK = "x-inngest-sdk"
"""The header that each SDK puts on its answers. What has none comes from a proxy, or from another program."""

_NO_RETRY, _AFTER = "x-inngest-no-retry", "retry-after"

_KNOWN = frozenset({200, 201, 206, 400, 410, 500})
"""The statuses of the protocol."""

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


class AppError(TarryError):
    """The app could not be asked, or what answered is not the app: an attempt that failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """The function returned. ``value`` is its output."""

    value: Any


@dataclass(frozen=True, slots=True)
class FunctionError:
    """The function raised. ``retry`` names the time of the next attempt, if the app does."""

    error: Failure
    is_final: bool
    retry: RetryAfterError | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The steps that the function asks for now."""

    ops: tuple[Op, ...]
    retry: RetryAfterError | None = field(default=None)


def read_answer(answer: Answer) -> Result | FunctionError | Reply:
    """Read an answer.

    Raises:
        AppError: It is not an app's, or not one that this release of Tarry knows.
    """
    if answer.status == 401:
        raise AppError(
            "the app refuses the request's signature (401): give it this stack's INNGEST_SIGNING_KEY, and let its "
            "clock be right to five minutes"
        )
    if SDK not in answer.headers:
        raise AppError(f"what answered is not an Inngest SDK: {_described(answer)}")
    if answer.status not in _KNOWN:
        raise AppError(f"the app's SDK answers what Tarry does not know: {_described(answer)}")
    status, headers, value = _unwrapped(answer)
    match status:
        case 200:
            return Result(value)
        case 206:
            try:
                return Reply(read_ops(value), retry_of(headers))
            except OpError as error:
                raise AppError(f"the app's SDK asks for what Tarry cannot do: {error}") from error
        case 400 | 500 | 410:
            return FunctionError(failure_of(value), headers.get(_NO_RETRY) == "true", retry_of(headers))
    raise AppError(f"the app's SDK answers what Tarry does not know: {_described(answer)}")


def failure_of(value: Any) -> Failure:
    """Return an error as a run stores it. What the SDK sends beside name, message and stack comes back to it."""
    if not isinstance(value, dict):
        return Failure("Error", plain(value if isinstance(value, str) else json.dumps(value), MAX_MESSAGE))
    name, message, stack = (_text(value.get(each)) for each in ("name", "message", "stack"))
    more = {each: value[each] for each in ("cause", "data") if value.get(each) is not None}
    return Failure(
        plain(name or "Error", MAX_NAME),
        plain(message or _text(value.get("code")) or "the app's error has no message", MAX_MESSAGE),
        plain(stack)[-MAX_STACK:],
        data=json.dumps(more) if more else None,
    )


def retry_of(headers: Mapping[str, str]) -> RetryAfterError | None:
    """Return when the app wants to be asked again, if it says so: in seconds, or at a time of RFC 3339."""
    after = headers.get(_AFTER, "").strip()
    if not after:
        return None
    try:
        if _SECONDS.fullmatch(after):
            return RetryAfterError("the app says when", min(float(after), MAX_DURATION / 1000))
        moment = datetime.fromisoformat(after.replace("Z", "+00:00"))
        return RetryAfterError("the app says when", moment)
    except (ValueError, DurationError):
        return None


def _unwrapped(answer: Answer) -> tuple[int, Mapping[str, str], Any]:
    """Return status, headers and value; those of a streamed answer are in its body, after blanks."""
    value = _value(answer)
    if answer.status != 201:
        return answer.status, answer.headers, value
    if not isinstance(value, dict) or not isinstance(status := value.get("status"), int):
        raise AppError(f"the app streams what is no answer: {_described(answer)}")
    inner = value.get("headers")
    headers = {str(k).lower(): str(v) for k, v in inner.items()} if isinstance(inner, dict) else {}
    if value.get("noRetry") is True:
        headers[_NO_RETRY] = "true"
    if isinstance(at := value.get("retryAt"), str):
        headers[_AFTER] = at
    body = value.get("body")
    return status, {**answer.headers, **headers}, _loaded(body, answer) if isinstance(body, str) else body


def _value(answer: Answer) -> Any:
    if not answer.body.strip():
        return None
    try:
        return _loaded(answer.body.decode(), answer)
    except UnicodeDecodeError as error:
        raise AppError(f"the app's answer is no UTF-8: {_described(answer)}") from error


def _loaded(text: str, answer: Answer) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AppError(f"the app's answer is no JSON: {_described(answer)}") from error


def _described(answer: Answer) -> str:
    shown = " ".join(answer.body[:200].decode(errors="replace").split())
    return f"status {answer.status}, {shown or 'no body'}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
