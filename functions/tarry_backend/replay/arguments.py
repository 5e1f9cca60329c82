"""The arguments of a step as a short text, which is stored with the step.

A stored step answers by its id alone. If a loop runs in another order at a replay, or a deploy changes an
argument, the function receives the result of another call. The text shows that.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tarry._engine.operations import InvokeFunction, RunStep, SendEvent, Sleep, WaitForEvent, WaitForSignal
from tarry_backend.model.step import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry._engine.operations import Operation
    from tarry_backend.model.step import Step

__all__ = ["LONGEST", "arguments_of", "changed"]

LONGEST = 160
"""The longest text, in characters. A longer text is cut, with a hash of the whole at its end."""

_HASH = 12


def arguments_of(operation: Operation) -> str | None:
    """Return the text; ``None`` if an argument is not plain JSON, so that nothing can be said of it.

    A timeout counts if it is written as a string. A number or a ``datetime`` is often computed from the current time.
    """
    try:
        text = ", ".join(_parts(operation)).encode("utf-8", "backslashreplace").decode()
    except Exception:  # also from the code of an object of yours
        return None
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{text[: LONGEST - _HASH - 2]}… {digest}"


def changed(kept: Step, operation: Operation) -> str | None:
    """Return the problem if the function gives a stored step other arguments than those with which it began.

    A step that Tarry will try again takes the new ones.
    """
    if kept.asked is None or kept.status is Status.RETRYING:
        return None
    asked = arguments_of(operation)
    if asked is None or asked == kept.asked:
        return None
    return (
        f"step {kept.key!r} began with the arguments ({kept.asked}), and the function now asks for it with ({asked}). "
        "It gets the result of the first. Keep arguments and order of the calls the same at each replay, or give a "
        "changed call a step id of its own."
    )


def _parts(operation: Operation) -> Iterator[str]:
    match operation:
        case RunStep():
            yield from map(_json, operation.args)
            yield from (f"{name}={_json(value)}" for name, value in operation.kwargs.items())
        case Sleep():
            yield from _literal("duration", operation.until)
        case WaitForEvent():
            for each in operation.matches:
                yield f"event={_json(each.name)}"
                yield from _given("if_exp", each.if_exp)
                yield from _given("match", each.match)
                yield from _given("where", each.where)
                yield from _given("bind", each.bind)
            yield from _literal("timeout", operation.timeout)
        case WaitForSignal():
            yield f"signal={_json(operation.signal)}"
            yield from _literal("timeout", operation.timeout)
        case SendEvent():
            for event in operation.events:
                yield f"{event.name} {_json(event.data)}"
        case InvokeFunction():
            yield f"function={_json(operation.function_id)}"
            yield from _given("data", operation.data)


def _given(name: str, value: object) -> Iterator[str]:
    if value is not None:
        yield f"{name}={_json(value)}"


def _literal(name: str, value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield f"{name}={_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
