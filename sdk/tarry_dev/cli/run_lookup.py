"""The lookup of a run or an event by a person's input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.progress import bounded_reading

if TYPE_CHECKING:
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.connection import Connection

__all__ = ["find_one_event", "find_run"]


def find_run(beginning: str, tarry: Connection) -> RunSnapshot:
    """Return the run of that id, or the only run whose id begins so; else raise ``CommandError``."""
    beginning = beginning.upper()
    snapshot = tarry.lookups.snapshot(beginning)
    if snapshot is not None:
        return snapshot
    ids = tarry.lookups.run_ids(tarry.functions, beginning)
    if len(ids) > 1:
        some = ", ".join(ids[:5])
        raise CommandError(f"{len(ids)} runs have an id that begins with {beginning}: {some}; give more characters")
    found = tarry.lookups.snapshot(ids[0]) if ids else None
    if found is None:
        from tarry_backend.store.queries import LOOKED_THROUGH  # only now: it loads the AWS SDK

        raise CommandError(
            f"no run has an id that begins with {beginning}, among the newest {LOOKED_THROUGH:,} of each "
            "function; tarry runs lists them"
        )
    return found


def find_one_event(asked: AskedEvent, since: str, tarry: Connection) -> ReceivedEvent:
    """Return the event that is asked for; raise ``CommandError`` if there is none, or several.

    The lookup goes back to ``since``, in the log of its name if one is given.
    """
    with bounded_reading() as on_page:
        found = tarry.lookups.event(asked, since, on_page)
    if found is None:
        what = "no event" if asked.name is None else f"no event {asked.name}"
        by = "" if asked.source is None else f" from {asked.source}"
        raise CommandError(
            f"{what}{by} in the last {since} has the id {asked.id}; look further back, such as with --since 7d. tarry "
            "events lists events with their ids"
        )
    return found
