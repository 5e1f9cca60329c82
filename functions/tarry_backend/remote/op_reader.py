"""The reader of the operations in an app's answer. Strict, and pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tarry._engine.operations import MAX_STEP_ID
from tarry._wire.internal_events import OWN
from tarry_backend.remote.ops import (
    HASHED,
    Gateway,
    Invoke,
    Op,
    OpError,
    Planned,
    Raised,
    Ran,
    Signal,
    Sleep,
    Wait,
    hashed,
)

__all__ = ["key_of", "read_ops"]

_Json = dict[str, Any]

_HASH = re.compile(f"[!-~]{{1,{MAX_STEP_ID - len(HASHED)}}}")
"""What can be a step's hash: each SDK writes hexadecimal digits. The key of an item is made of it."""


def read_ops(value: Any) -> tuple[Op, ...]:
    """Return the operations of an answer.

    Raises:
        OpError: One is not of the protocol, or Tarry does not have it. The error names it.
    """
    if not isinstance(value, list):
        raise OpError("its answer is no list of operations")
    return tuple(map(_read, value))


def key_of(op: dict[str, Any]) -> str:
    """Return the key of an operation's step: the id in the user's code, with ``:n`` if it is repeated, or the hash.

    The SDK's hash decides. A middleware may change the ids that are hashed; then the hash itself is the key.
    """
    given, userland = op.get("id"), op.get("userland")
    if not isinstance(given, str) or not _HASH.fullmatch(given):
        raise OpError(f"an operation has the id {str(given)[:80]!r}")
    if isinstance(userland, dict) and isinstance(own := userland.get("id"), str):
        index = userland.get("index")
        for key in (own, f"{own}:{index}"):
            if _is_key(key) and hashed(key) == given:
                return key
    return f"{HASHED}{given}"


def _is_key(key: str) -> bool:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= MAX_STEP_ID and not key.startswith((HASHED, OWN))


def _read(op: Any) -> Op:
    if not isinstance(op, dict):
        raise OpError("an operation is no object")
    name, key = op.get("op"), key_of(op)
    opts = op["opts"] if isinstance(op.get("opts"), dict) else {}
    read = _READERS.get(str(name))
    if read is None:
        raise OpError(f"step {key!r}: {str(name)[:40]}")
    return read(key, op, opts)


def _ran(key: str, op: _Json, opts: _Json) -> Ran:
    return Ran(key=key, value=op.get("data"), is_send=opts.get("type") == "step.sendEvent")


def _raised(key: str, op: _Json, _: _Json) -> Raised:
    return Raised(key=key, error=op.get("error"), is_final=op["op"] == "StepFailed")


def _planned(key: str, _: _Json, __: _Json) -> Planned:
    return Planned(key=key)


def _sleep(key: str, op: _Json, opts: _Json) -> Sleep:
    return Sleep(key=key, until=_string(op, opts.get("duration", op.get("name")), "a time"))


def _signal(key: str, op: _Json, opts: _Json) -> Signal:
    if opts.get("conflict") == "replace":
        raise OpError(f"step {key!r}: onConflict is 'replace'; Tarry has 'fail' alone")
    signal = _string(op, opts.get("signal", op.get("name")), "a signal")
    return Signal(key=key, signal=signal, timeout=_string(op, opts.get("timeout"), "a timeout"))


def _wait(key: str, op: _Json, opts: _Json) -> Wait:
    return Wait(
        key=key,
        event=_string(op, opts.get("event", op.get("name")), "an event"),
        timeout=_string(op, opts.get("timeout"), "a timeout"),
        if_exp=_optional(op, opts.get("if"), "if"),
        match=_optional(op, opts.get("match"), "match"),
    )


def _invoke(key: str, op: _Json, opts: _Json) -> Invoke:
    payload = opts["payload"] if isinstance(opts.get("payload"), dict) else {}
    data, user = payload.get("data"), payload.get("user")
    return Invoke(
        key=key,
        function_id=_string(op, opts.get("function_id"), "a function"),
        data=data if isinstance(data, dict) else {},
        user=user if isinstance(user, dict) else None,
        timeout=_optional(op, opts.get("timeout"), "timeout"),
    )


def _gateway(key: str, op: _Json, opts: _Json) -> Gateway:
    is_model = op["op"] == "AIGateway"
    given = opts["headers"] if isinstance(opts.get("headers"), dict) else {}
    headers = {str(name).lower(): str(value) for name, value in given.items()}
    body, auth = opts.get("body"), opts.get("auth_key")
    url = _string(op, opts.get("url"), "a URL")
    if is_model:
        headers = {"content-type": "application/json", **headers, **_authorised(opts.get("format"), auth)}
        if opts.get("format") == "gemini" and auth:
            url = f"{url}{'&' if '?' in url else '?'}key={auth}"
    return Gateway(
        key=key,
        url=url,
        method=str(opts.get("method") or ("POST" if is_model else "GET")).upper(),
        headers=headers,
        body=body,
        is_model=is_model,
    )


def _authorised(form: object, key: object) -> dict[str, str]:
    """Return the headers by which the provider of a model knows its customer."""
    if not isinstance(key, str) or not key or form == "gemini":
        return {}
    return (
        {"x-api-key": key, "anthropic-version": "2023-06-01"}
        if form == "anthropic"
        else {"authorization": f"Bearer {key}"}
    )


def _string(op: dict[str, Any], value: object, what: str) -> str:
    if not isinstance(value, str):
        raise OpError(f"step {key_of(op)!r}: it lacks {what}")
    return value


def _optional(op: dict[str, Any], value: object, what: str) -> str | None:
    return _string(op, value, f"a text as {what}") if value else None


_READERS: dict[str, Callable[[str, _Json, _Json], Op]] = {
    "AIGateway": _gateway,
    "Gateway": _gateway,
    "InvokeFunction": _invoke,
    "Sleep": _sleep,
    "Step": _ran,
    "StepError": _raised,
    "StepFailed": _raised,
    "StepPlanned": _planned,
    "StepRun": _ran,
    "WaitForEvent": _wait,
    "WaitForSignal": _signal,
}
"""How each operation is read. Checkpointing's and ``defer``'s are not among them: Tarry asks no SDK for these."""
