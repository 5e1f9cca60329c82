"""Where user code calls Tarry: the file and line that an error names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Place", "place_of_call"]

_OURS = ("tarry.", "tarry_backend.")


class Place(NamedTuple):
    """A line of user code. Its text is `` (file, line 7)``, or empty if no user code makes the call."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f" ({self.file}, line {self.line})" if self.file else ""


def place_of_call() -> Place:
    """Return the nearest frame that is not Tarry's; an empty place if a task was made of the call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith(_OURS):
        frame = frame.f_back
    if frame is None or str(frame.f_globals.get("__name__")).startswith("asyncio"):
        return Place()
    return Place(frame.f_code.co_filename, frame.f_lineno)
