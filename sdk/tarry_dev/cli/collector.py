"""Python's garbage collector in a command. What a command loads is no garbage: it is there until the end.

Python looks through it nevertheless, some hundred times while it is loaded, and again when the process ends. That was
a seventh of the CPU time of a ``tarry dev`` without work, and most of the time that its end took.

    collector    looks rarely ─────────────────────────────── frozen: what is there ── works as Python has it
    tarry dev    imports ── user's app ── cloud, server ────── messages ── Ctrl-C ── end

    collector    looks rarely ────────── frozen: all
    another      imports ── its work ── end
"""

from __future__ import annotations

import atexit
import gc
import sys

__all__ = ["begin", "settle"]

_RARELY = 400_000
"""So many new objects at once are there before Python looks at them. Few commands make as many."""

_usual: list[tuple[int, int, int]] = []


def begin() -> None:
    """Have Python look rarely at new objects, and at none when the process ends."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(_RARELY, *_usual[0][1:])
    atexit.register(_end)


def settle() -> None:
    """Have Python look at objects that come from now on, as often as it does by itself, and also at its end.

    Without ``begin``, such as in a test, the process is not the command's alone: nothing changes.
    """
    if _usual:
        gc.freeze()
        atexit.unregister(_end)
        gc.set_threshold(*_usual.pop())


def _end() -> None:
    """Keep Python from looking at what ends with the process anyway.

    DuckDB counts its own objects at the end, and writes pages about those that nothing has collected.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()
