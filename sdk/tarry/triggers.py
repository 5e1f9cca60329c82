"""What starts a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tarry.errors import UsageError
from tarry.eventtypes import event_name_of

__all__ = ["TriggerEvent"]


@dataclass(frozen=True, slots=True, init=False)
class TriggerEvent:
    """The function starts with every event of this name.

    ``event`` is a name, or a prefix with a ``*`` at its end: ``app/*``; or an event type (see ``tarry.event_type``), an
    instance of which is then ``ctx.data``. ``expression`` is CEL over the incoming ``event`` (``event.data.total >
    100``); where it is false, or fails, the function is not started.
    """

    event: str
    expression: str | None
    data_type: type[Any] | None

    def __init__(self, event: str | type[Any], expression: str | None = None) -> None:
        object.__setattr__(self, "event", event_name_of(event))
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "data_type", event if isinstance(event, type) else None)
        if "*" in self.event.removesuffix("*"):
            raise UsageError(f"trigger {self.event!r}: a * stands only at the end, as in 'app/*'")

    def names(self, event_name: str) -> bool:
        """Whether an event of this name is one of the trigger's."""
        if self.event.endswith("*"):
            return event_name.startswith(self.event.removesuffix("*"))
        return event_name == self.event
