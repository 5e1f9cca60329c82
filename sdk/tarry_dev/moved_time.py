"""The time of a ``tarry dev`` that a person moved: how far it is ahead, for its process and for the commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from time_machine import Traveller

__all__ = ["ahead_of", "travel"]


def ahead_of(file: Path) -> int:
    """Return by how many milliseconds the clock of that file is ahead of the real time; raise ``UsageError``."""
    try:
        return int(file.read_text("utf-8")) if file.exists() else 0
    except ValueError as error:
        raise UsageError(f"{file} does not say how far the clock is ahead ({error}); remove it") from error


def travel(ahead: int) -> AbstractContextManager[Traveller]:
    """Return a context in which this process is so many milliseconds ahead. Its time ticks on."""
    import time_machine  # it imports pytest where that is installed: only for a clock that moves

    # Not a datetime: with that, time-machine changes the process's time zone as well.
    return time_machine.travel((time.time_ns() // 1_000_000 + ahead) / 1000, tick=True)
