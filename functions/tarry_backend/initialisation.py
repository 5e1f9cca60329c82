"""A Lambda's initialisation: what Python does before the first message.

Python's garbage collector would go some hundred times through what is being loaded, and find next to nothing: a sixth
of the CPU of an executor's initialisation. So it pauses until the part is loaded. What is there then lives as long as
the process, so later collections do not look at it:

    collector    paused ────────────────────────── frozen: what is loaded ── at work: what messages bring
    process             imports ── part, user's app                          clients ── messages
"""

from __future__ import annotations

import gc
import os

__all__ = ["begin", "end", "is_snap_start", "is_under_way"]

_KIND = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""The environment variable by which Lambda says how it initialises a process."""


def is_under_way() -> bool:
    """Return whether Lambda runs this process. Elsewhere, such as in ``tarry dev``, the process is not ours alone."""
    return _KIND in os.environ


def is_snap_start() -> bool:
    """Return whether Lambda takes a snapshot of this process after its initialisation."""
    return os.environ.get(_KIND) == "snap-start"


def begin() -> None:
    """Pause the garbage collector. ``tarry_backend.handlers`` calls this before it loads a handler."""
    if is_under_way():
        gc.disable()


def end() -> None:
    """Have the garbage collector work again, on what is made from now on. Each handler's module ends with this."""
    if is_under_way():
        gc.freeze()
        gc.enable()
