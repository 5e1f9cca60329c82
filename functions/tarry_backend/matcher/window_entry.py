"""An event on its way into a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent

__all__ = ["WindowEntry"]


@dataclass(frozen=True, slots=True)
class WindowEntry:
    """An event that is gathered: by what (``calm`` or ``batch``), under which key, and the run that it would start."""

    window: str
    name: str
    run_id: str
    received: ReceivedEvent
