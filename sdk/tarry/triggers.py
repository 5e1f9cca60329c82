"""What starts a function."""

from __future__ import annotations

from dataclasses import dataclass

from tarry.errors import UsageError
from tarry.event import check_name

__all__ = ["TriggerEvent"]


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """The function starts with every event of this name.

    ``event`` is a name, or a prefix with a ``*`` at its end: ``app/*``. ``expression`` is CEL over the
    incoming ``event`` (``event.data.total > 100``); where it is false, or fails, the function is not started.
    """

    event: str
    expression: str | None = None

    def __post_init__(self) -> None:
        check_name(self.event)
        if "*" in self.event.removesuffix("*"):
            raise UsageError(f"trigger {self.event!r}: a * stands only at the end, as in 'app/*'")

    def names(self, event_name: str) -> bool:
        """Whether an event of this name is one of the trigger's."""
        if self.event.endswith("*"):
            return event_name.startswith(self.event.removesuffix("*"))
        return event_name == self.event
