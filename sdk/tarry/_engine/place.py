"""Where user code calls Tarry: the file and line that an error names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Place", "place_in_thread", "place_of_call", "place_of_code"]

_OURS = ("tarry.", "tarry_backend.")


class Place(NamedTuple):
    """A line of user code. Its text is `` (file, line 7)``, or empty if no user code makes the call."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f" ({self.file}, line {self.line})" if self.file else ""


def place_of_call() -> Place:
    """Return the nearest frame that is not Tarry's; an empty place if a task was made of the call."""
    return _nearest(sys._getframe(1))


def place_in_thread(thread: int) -> Place:
    """Return the same of another thread, which waits in a call of Tarry's."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not _is_ours(frame):  # it waits in Python's own code
        frame = frame.f_back
    return _nearest(frame)


def place_of_code(handler: object) -> Place:
    """Return where a function is defined, also behind decorators and ``partial``; an empty place if it has no code."""
    while (inner := getattr(handler, "__wrapped__", None) or getattr(handler, "func", None)) is not None:
        handler = inner
    code = getattr(handler, "__code__", None)
    return Place() if code is None else Place(code.co_filename, code.co_firstlineno)


def _is_ours(frame: FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith(_OURS)


def _nearest(frame: FrameType | None) -> Place:
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    if frame is None or str(frame.f_globals.get("__name__")).startswith("asyncio"):
        return Place()
    return Place(frame.f_code.co_filename, frame.f_lineno)
