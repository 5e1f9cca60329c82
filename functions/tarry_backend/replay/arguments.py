"""The arguments of a step as a short text, which is stored with the step.

A stored step answers by its id alone. If a loop runs in another order at a replay, or a deploy changes an
argument, the function receives the result of another call. The text shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tarry._engine.operations import InvokeFunction, RunStep, SendEvent, Sleep, WaitForEvent, WaitForSignal
from tarry_backend.model.step import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tarry._engine.operations import Operation
    from tarry_backend.model.step import Step

__all__ = ["LONGEST", "Large", "arguments_of", "changed"]

Large = dict[int, object]
"""The large arguments that one replay has written, by their ``id``. It holds them, so no other object gets that id."""

LONGEST = 160
"""The longest text, in characters. A longer text is cut, with a hash of the whole at its end."""

_HASH = 12

_LARGE = 16_384
"""From how many characters on a replay writes an argument only once."""


def arguments_of(operation: Operation, large: Large | None = None) -> str | None:
    """Return the text; ``None`` if an argument is not plain JSON, so that nothing can be said of it.

    It is also ``None`` if this replay has written a large argument before: ``large`` holds those, and gets this one.
    A loop may give one list of a megabyte to each of a thousand steps. To write it for each takes ten seconds.
    It may have changed since, so its first text does not count either.

    The duration of a sleep and the timeout of a wait count if they are written as strings. A number or a ``datetime``
    is often computed from the current time. Of an invocation, only the function and its data count.
    """
    if large and any(id(value) in large for value in _values(operation)):
        return None
    try:
        text = ", ".join(_run_parts(operation) if type(operation) is RunStep else _parts(operation))
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode()
    except Exception:  # also from the code of an object of yours
        return None
    if len(text) <= LONGEST:
        return text
    if len(text) >= _LARGE and large is not None:
        large.update((id(value), value) for value in _values(operation) if _may_be_large(value))
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{text[: LONGEST - _HASH - 2]}… {digest}"


def changed(kept: Step, operation: Operation, large: Large | None = None) -> str | None:
    """Return the problem if the function gives a stored step other arguments than those with which it began.

    A step that Tarry will try again takes the new ones.
    """
    if kept.asked is None or kept.status is Status.RETRYING:
        return None
    asked = arguments_of(operation, large)
    if asked is None or asked == kept.asked:
        return None
    return (
        f"step {kept.key!r} began with the arguments ({kept.asked}), and the function now asks for it with ({asked}). "
        "It gets the result of the first. Keep arguments and order of the calls the same at each replay, or give a "
        "changed call a step id of its own."
    )


def _values(operation: Operation) -> tuple[object, ...]:
    """The arguments that may be large."""
    match operation:
        case RunStep():
            return (*operation.args, *operation.kwargs.values())
        case SendEvent():
            return tuple(event.data for event in operation.events)
        case InvokeFunction():
            return (operation.data,)
        case _:
            return ()


def _may_be_large(value: object) -> bool:
    """False of a number or a short text: Python may give its ``id`` to an equal one."""
    return len(value) >= _LARGE if isinstance(value, str) else isinstance(value, Mapping | Sequence)


def _run_parts(step: RunStep) -> list[str]:
    parts = [_json(value) for value in step.args]
    if step.kwargs:
        parts += [f"{name}={_json(value)}" for name, value in step.kwargs.items()]
    return parts


def _parts(operation: Operation) -> Iterator[str]:
    match operation:
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


_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
"""One encoder: ``json.dumps`` with options makes a new one at each call, which takes longer than a number's text."""

_PLAIN: dict[type, Callable[[Any], str]] = {str: _ENCODE, int: int.__repr__}
"""How to write the commonest arguments. Each replay writes those of each step."""


def _json(value: Any) -> str:
    return _PLAIN.get(type(value), _ENCODE)(value)
