"""The messages of windows: what gathers events before they start a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["WindowEnd"]


@dataclass(frozen=True, slots=True)
class WindowEnd:
    """To the matcher: the time of a window is over. It is in the queue behind the events before it.

    ``window`` is the kind of what gathers (``calm`` or ``batch``), ``name`` which one, ``due`` when it is over.
    """

    kind: ClassVar[str] = "window"
    window: str
    name: str
    due: int
