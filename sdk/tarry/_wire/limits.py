"""The limits of what comes in from outside. Each door uses them.

The doors are ``app.send``, ``send_event`` and ``invoke``; signals; the matcher, for events that others put on the bus;
the API and the commands; and the outputs of steps and functions.

``docs/security.md`` lists the limits, and says what was measured.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "FIRST_TS",
    "LAST_TS",
    "MASK",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_ENTRY",
    "MAX_ID",
    "MAX_KEY",
    "MAX_NAME",
    "MAX_SIGNAL_DATA",
    "MAX_SIGNAL_NAME",
    "MAX_SOURCE",
    "why_not_carried",
    "why_not_id",
    "why_not_name",
    "why_not_source",
    "why_not_ts",
    "why_not_value",
]

MAX_DEPTH = 200
"""How deep lists and objects may lie within each other.

Python's own limit depends on how deep the code is that reads or writes a value. So one Lambda could take a value that
another could not write. In measurements, our own code bore 420 levels and pydantic's reader 190 to 200.
"""

MAX_DIGITS = 4_300
"""The most digits of a whole number: Python reads and writes no more, in any of its versions."""

MASK = "*" * 10
"""What pydantic writes for a secret that is not empty: ``SecretStr``, ``SecretBytes``, ``Secret[...]``."""

MAX_NAME = 128
"""The longest event name, in characters: EventBridge's limit for a detail type."""

MAX_SOURCE = 256
"""The longest source of an event, in characters: EventBridge's limit."""

MAX_ID = 512
"""The longest id of an event or a signal, in bytes of UTF-8: an event's id is part of the log's keys."""

MAX_KEY = 2_048
"""The longest partition key of DynamoDB, in bytes of UTF-8."""

MAX_ENTRY = 1_048_576 - 4_096
"""The largest event, in bytes.

EventBridge and SQS each carry 1 MiB (since January 2026). EventBridge needs up to 4 KiB of it for its own fields.
"""

MAX_SIGNAL_NAME = 512
"""The longest signal name, in bytes of UTF-8: the name is its item's key."""

MAX_SIGNAL_DATA = 32_000
"""The largest data of a signal, in bytes of JSON: an item has room for eleven signals."""

FIRST_TS, LAST_TS = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last time that a calendar has, in Unix milliseconds: the years 1 to 9999."""

_TOO_LARGE = 10**MAX_DIGITS


def why_not_value(value: object) -> str | None:
    """Why a JSON value is refused; ``None`` if it is not. It does not recurse.

    Infinity (``1e400``) and half a surrogate pair pass: an event from elsewhere may hold them.
    """
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        is_end = True
        for each in level:
            if isinstance(each, dict):
                is_end = False
                inner += each.values()
            elif isinstance(each, list):
                is_end = False
                inner += each
            elif isinstance(each, int) and not -_TOO_LARGE < each < _TOO_LARGE:
                return f"has a number of more than {MAX_DIGITS:,} digits"
        if is_end:
            return None
        level = inner
    return f"is nested deeper than {MAX_DEPTH} levels"


def why_not_name(name: object) -> str | None:
    """Why an event may not have the name; ``None`` if it may."""
    return _why_not_text(name, MAX_NAME)


def why_not_source(source: object) -> str | None:
    """Why an event may not have the source; ``None`` if it may."""
    return _why_not_text(source, MAX_SOURCE)


def why_not_id(event_id: object) -> str | None:
    """Why an event or a signal may not have the id; ``None`` if it may."""
    if not isinstance(event_id, str) or not event_id:
        return f"must be a string of 1 to {MAX_ID} bytes"
    if why := why_not_carried(event_id):
        return f"has {why}"
    size = len(event_id.encode())
    return f"has {size:,} bytes; at most {MAX_ID} are allowed" if size > MAX_ID else None


def why_not_ts(ts: object) -> str | None:
    """Why an event may not have the time, in Unix milliseconds; ``None`` if it may."""
    if isinstance(ts, int) and not isinstance(ts, bool) and FIRST_TS <= ts <= LAST_TS:
        return None
    return "must be a whole number of milliseconds, in the years 1 to 9999"


_SURROGATE, _NO_CHARACTERS = "half of a surrogate pair, which UTF-8 cannot carry", "\ufffe\uffff"


def why_not_carried(text: str) -> str | None:
    """What in the text the bus cannot carry; ``None`` if there is nothing.

    EventBridge takes U+FFFE and U+FFFF. But SQS refuses a message with them, in the queue and in its dead-letter queue:
    EventBridge would drop the event. JSON escapes the other characters that SQS refuses.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE
    return next((f"U+{ord(each):X}, which SQS refuses" for each in _NO_CHARACTERS if each in text), None)


def _why_not_text(text: object, most: int) -> str | None:
    if not isinstance(text, str) or not text:
        return f"must be a string of 1 to {most} characters"
    if len(text) > most:
        return f"has {len(text):,} characters; at most {most} are allowed"
    return None if (why := why_not_carried(text)) is None else f"has {why}"
