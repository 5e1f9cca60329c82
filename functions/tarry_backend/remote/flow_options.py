"""The flow control of a remote function: its options, in Inngest's form, as Tarry's own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry._engine.flow import Flow
from tarry.batch import Batch
from tarry.debounce import Debounce
from tarry.flow import Priority, RateLimit, Singleton, Throttle
from tarry_backend.remote.ops import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["flow_of"]


def flow_of(given: Mapping[str, Any]) -> Flow:
    """Return the flow control of a function as its SDK describes it.

    Raises:
        UsageError: An option has values that Tarry does not take.
    """
    options = _lower(given)
    read: dict[str, Any] = {
        field: reader(options[name.lower()]) for field, (name, reader) in _READERS.items() if name.lower() in options
    }
    return Flow(**read)


def _lower(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have a value. SDKs may write one without, or with a capital (``"Singleton": null``)."""
    return {name.lower(): value for name, value in given.items() if value is not None}


def _rate_limit(given: Mapping[str, Any]) -> RateLimit:
    return RateLimit(given["limit"], moment_of(str(given["period"]), 0), given.get("key") or None)


def _debounce(given: Mapping[str, Any]) -> Debounce:
    timeout = given.get("timeout")
    return Debounce(
        moment_of(str(given["period"]), 0), given.get("key") or None, moment_of(str(timeout), 0) if timeout else None
    )


def _singleton(given: Mapping[str, Any]) -> Singleton:
    """Without a mode, an SDK's server skips."""
    return Singleton(given.get("mode") or "skip", given.get("key") or None)


def _throttle(given: Mapping[str, Any]) -> Throttle:
    return Throttle(
        given["limit"], moment_of(str(given["period"]), 0), given.get("burst") or 1, given.get("key") or None
    )


def _batch(given: Mapping[str, Any]) -> Batch:
    timeout = moment_of(str(given["timeout"]), 0)
    return Batch(given["maxSize"], timeout, given.get("key") or None, given.get("if") or None)


def _priority(given: Mapping[str, Any]) -> Priority:
    return Priority(given["run"])


_READERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "priority": ("priority", _priority),
    "rate_limit": ("rateLimit", _rate_limit),
    "batch_events": ("batchEvents", _batch),
    "debounce": ("debounce", _debounce),
    "singleton": ("singleton", _singleton),
    "throttle": ("throttle", _throttle),
}
"""By Tarry's name of an option: Inngest's name, and how it is read."""
