"""The request of a function to go on as a new run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tarry._engine.error_text import shown
from tarry._wire.jsonvalues import decode, encode
from tarry._wire.limits import MAX_ENTRY, why_not_value
from tarry.errors import LimitError, UsageError
from tarry.event import DECLARED, Event

__all__ = ["WHAT", "ContinueAsNew", "hooked_event"]

WHAT = "ctx.continue_as_new"
"""The tool's name in errors."""


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """The data with which the successor begins, as JSON has them: what your code changes later does not count."""

    data: Mapping[str, Any]

    @classmethod
    def of(cls, data: object) -> ContinueAsNew:
        """Check the data.

        Raises:
            UsageError: They are neither a JSON object nor an instance of an event type.
            LimitError: They are larger than an event may be.
        """
        if hasattr(type(data), DECLARED):
            data = Event.of(data).data  # type: ignore[arg-type]
        if not isinstance(data, Mapping):
            raise UsageError(f"{WHAT}: {shown(data)} is not an event's data: give a dict, or an instance of its type")
        return cls(_copied(data, f"{WHAT}: its data"))


def hooked_event(event: Event) -> Event:
    """Return the successor's event as it is stored, after a middleware may have changed it. Raises what ``of`` raises.

    Every replay reads what is stored. So what no event may have must fail the run here, and not its writing.
    """
    if event.user is not None and not isinstance(event.user, Mapping):
        raise UsageError(
            f"{WHAT}: {shown(event.user)} is not an event's user: before_send_events gives a dict, or None"
        )
    user = None if event.user is None else _copied(event.user, f"{WHAT}: the fields of its user")
    return replace(event, data=ContinueAsNew.of(event.data).data, user=user)


def _copied(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return the value as JSON has it."""
    text = encode(dict(value), what)
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_ENTRY:
        raise LimitError(f"{what} have {size:,} bytes; an event has at most {MAX_ENTRY:,}")
    copied: dict[str, Any] = decode(text)
    if (why := why_not_value(copied)) is not None:
        raise LimitError(f"{what} {why}")
    return copied
