"""The operations that an app's SDK asks for, one class for each, and what they are written in. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tarry.durations import MAX_DURATION
from tarry.errors import UsageError

__all__ = [
    "HASHED",
    "Gateway",
    "Invoke",
    "Op",
    "OpError",
    "Planned",
    "Raised",
    "Ran",
    "Signal",
    "Sleep",
    "Wait",
    "hash_of",
    "hashed",
    "moment_of",
]

HASHED = "#"
"""What a key begins with that is the SDK's hash of a step, for its id is not known or cannot be a key."""

_UNITS = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "m": 6e4,
    "h": 3.6e6,
    "d": 8.64e7,
    "w": 6.048e8,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|[smhdw])")
_SPAN = re.compile(rf"(?:{_PART.pattern})+")


class OpError(UsageError):
    """An operation that is not of the protocol, or that Tarry does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """An operation. ``key`` is its step's key in the run."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Op):
    """A step whose body has returned. ``is_send``: it has sent events."""

    value: Any
    is_send: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised(Op):
    """A step whose body has raised. ``is_final``: the SDK makes no further attempt."""

    error: Any
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Op):
    """A step that the SDK is ready to run, if it is asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep(Op):
    """A sleep. ``until`` is a span or a time, as the SDK writes it."""

    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Op):
    """A wait for an event."""

    event: str
    timeout: str
    if_exp: str | None = None
    match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Op):
    """A wait for a signal."""

    signal: str
    timeout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke(Op):
    """An invocation of a function."""

    function_id: str
    data: dict[str, Any]
    user: dict[str, Any] | None
    timeout: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(Op):
    """A request that the server makes in place of the app. ``is_model``: to an AI model, whose answer is the result."""

    url: str
    method: str
    headers: dict[str, str]
    body: Any
    is_model: bool


def hash_of(key: str) -> str:
    """Return the SDK's hash of the step with that key."""
    return key[len(HASHED) :] if key.startswith(HASHED) else hashed(key)


def moment_of(text: str, begins: int) -> int:
    """Return when a span that begins then is over, or the time itself. Unix milliseconds.

    Raises:
        OpError: It is neither, or more than 366 days away.
    """
    text = text.strip()
    if not text:
        return begins
    if _SPAN.fullmatch(text):
        span = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        moment = begins + round(min(span, MAX_DURATION + 1.0))
    else:
        moment = _time(text)
    if moment - begins > MAX_DURATION:
        raise OpError(f"{text!r} is more than 366 days away, the longest wait or sleep")
    return moment


def _time(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise OpError(f"{text[:80]!r} is no duration and no time") from None


def hashed(text: str) -> str:
    """Return the SDK's hash of an id."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
