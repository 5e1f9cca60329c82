"""moto's EventBridge, mended where it takes an event that AWS refuses.

It takes the place of moto's own by ``become``. So a test that passes here does not fail on AWS.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend

from tarry._wire.bus import entry_size
from tarry._wire.limits import MAX_NAME, MAX_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FaithfulEvents", "as_aws_service"]

_MAX_REQUEST = 1_048_576
"""The most bytes that the entries of one ``PutEvents`` may have together."""

_MAX_LEVELS = 1_100
"""How deep EventBridge reads nested JSON."""

_RESERVED = "aws."
"""How the sources of AWS's own services begin. Nobody else may use them."""

_is_aws_service: ContextVar[bool] = ContextVar("is_aws_service", default=False)


@contextmanager
def as_aws_service() -> Iterator[None]:
    """Within it, an event may have a source of AWS's services, such as ``aws.s3``: the caller plays that service."""
    before = _is_aws_service.set(True)
    try:
        yield
    finally:
        _is_aws_service.reset(before)


class FaithfulEvents(EventsBackend):
    """moto's EventBridge. It refuses what AWS refuses, an entry or a whole request."""

    __module__ = EventsBackend.__module__  # by which moto finds the service's addresses

    @classmethod
    def become(cls, events: EventsBackend) -> None:
        """Mends EventBridge in its place."""
        events.__class__ = cls

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        _check_size(events)
        refusals = [_refusal(event) for event in events]
        if len(events) > 10 or not any(refusals):
            return super().put_events(events)  # which refuses more than ten, and what lacks a required field
        put = [event for event, refusal in zip(events, refusals, strict=True) if refusal is None]
        results = iter(super().put_events(put))
        return [next(results) if refusal is None else refusal for refusal in refusals]


def _check_size(events: Sequence[dict[str, Any]]) -> None:
    if sum(entry_size(event) for event in events) > _MAX_REQUEST:
        raise ValidationException("Total size of the entries in the request is over the limit.")


def _refusal(event: dict[str, Any]) -> dict[str, Any] | None:
    """The result of an entry that AWS refuses. moto itself refuses one that lacks a field."""
    source, name, detail = event.get("Source") or "", event.get("DetailType") or "", event.get("Detail")
    if len(source) > MAX_SOURCE:
        return _invalid("Source", MAX_SOURCE)
    if source.startswith(_RESERVED) and not _is_aws_service.get():
        message = "Not authorized for the source."
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": message}
    if len(name) > MAX_NAME:
        return _invalid("DetailType", MAX_NAME)
    if detail and not _is_object(detail):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def _invalid(field: str, most: int) -> dict[str, Any]:
    reason = f"{field} must not be longer than {most} characters"
    return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"Parameter {field} is not valid. Reason: {reason}."}


def _is_object(detail: str) -> bool:
    """Whether it is a JSON object by the standard, which has no ``NaN``, and no deeper than AWS reads it."""
    try:
        value = json.loads(detail, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and _levels(value) <= _MAX_LEVELS


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _levels(value: Any) -> int:
    levels, inner = 0, [value]
    while inner := [each for each in inner if isinstance(each, dict | list)]:
        levels += 1
        inner = [part for each in inner for part in (each.values() if isinstance(each, dict) else each)]
    return levels
