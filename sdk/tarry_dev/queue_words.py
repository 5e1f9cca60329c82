"""What waits at a function, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tarry_backend.model.queue_length import QueueKind, QueueLength

__all__ = ["queue_words"]

_NAMES: dict[QueueKind, tuple[str, str]] = {
    "debounce": ("open window", "open windows"),
    "batch_events": ("open batch", "open batches"),
    "throttle": ("run has a later time", "runs have later times"),
    "singleton": ("run waits for the one before", "runs wait for the one before"),
    "concurrency": ("run waits for a place", "runs wait for a place"),
    "pause": ("run waits in the pause", "runs wait in the pause"),
}

_WAITS: dict[QueueKind, str] = {
    "throttle": "a line for each key of its throttle",
    "singleton": "a line for each key of its singleton",
    "concurrency": "a line for each key of its limit",
}


def queue_words(lengths: Iterable[QueueLength], at: Callable[[int], str]) -> str:
    """Return what waits, such as ``3 runs wait for a place since 12:00:05``. ``at`` writes a time."""
    return "; ".join(_words(each, at) for each in lengths)


def _words(length: QueueLength, at: Callable[[int], str]) -> str:
    if length.count is None:
        return f"{_WAITS[length.kind]}: tarry run says what holds a run back"
    one, several = _NAMES[length.kind]
    parts = [
        f"{length.count}{' or more' if length.is_cut else ''}",
        one if length.count == 1 and not length.is_cut else several,
        "" if length.events is None else f"of {length.events} event{'' if length.events == 1 else 's'}",
        "" if length.since is None else f"since {at(length.since)}",
        "" if length.due is None else f"until {at(length.due)}",
    ]
    return " ".join(part for part in parts if part)
