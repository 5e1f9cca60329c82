"""Events that are addressed to one function, whatever its triggers: an invocation by another run, a schedule's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry.bus import source_of

if TYPE_CHECKING:
    from tarry import Event

__all__ = ["ADDRESS", "FUNCTION", "INVOKED", "SCHEDULED", "addressee"]

INVOKED = "tarry/function.invoked"
"""The event that starts a function for a step that invokes it."""

SCHEDULED = "tarry/scheduled.timer"
"""The event that starts a function at a time of its ``TriggerCron``."""

ADDRESS = "_tarry"
"""Under this key of its data such an event says whom it is for, and who sent it."""

FUNCTION = "function_id"
"""In the address: the function that is to start."""


def addressee(event: Event, app_id: str) -> str | None:
    """The id of the one function that the event starts; None of an event that starts whatever has a trigger for it.

    Only the app's own: what others put under these names is addressed to nobody.
    """
    if event.name not in (INVOKED, SCHEDULED) or event.source != source_of(app_id):
        return None
    address = event.data.get(ADDRESS)
    function_id = address.get(FUNCTION) if isinstance(address, dict) else None
    return function_id if isinstance(function_id, str) else None
