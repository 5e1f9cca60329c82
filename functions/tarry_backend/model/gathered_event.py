"""An event that is gathered for a function, with others, before it starts a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.model.window_name import function_of_window

if TYPE_CHECKING:
    from tarry_backend.model.event_place import EventPlace
    from tarry_backend.model.position import Position

__all__ = ["GatheredEvent"]


@dataclass(frozen=True, slots=True)
class GatheredEvent:
    """What is stored of such an event, beside the run that it may start: where it was first received, and what has it.

    Attributes:
        run_id: The id of the run that it would start.
        window: The name of the window that gathers it.
        place: Where it is in the log. An event that is sent again counts from where it was first received.
    """

    run_id: str
    window: str
    place: EventPlace

    @property
    def function_id(self) -> str:
        """The function for which it is gathered."""
        return function_of_window(self.window)

    @property
    def position(self) -> Position:
        """Its position in the log."""
        return self.place.position
