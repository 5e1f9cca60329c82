"""The lookup of a run or an event by a person's input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry_backend.clock import now
from tarry_backend.store.queries import LOOKED_THROUGH
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.progress import bounded_reading

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.connection import Connection

__all__ = ["find_event", "find_run"]


def find_run(beginning: str, tarry: Connection) -> RunSnapshot:
    """Return the run of that id, or the only run whose id begins so; else raise ``CommandError``."""
    beginning = beginning.upper()
    snapshot = tarry.store.runs.load(beginning)
    if snapshot is not None:
        return snapshot
    ids = tarry.store.queries.run_ids(tarry.functions, beginning)
    if len(ids) > 1:
        some = ", ".join(ids[:5])
        raise CommandError(f"{len(ids)} runs have an id that begins with {beginning}: {some}; give more characters")
    found = tarry.store.runs.load(ids[0]) if ids else None
    if found is None:
        raise CommandError(
            f"no run has an id that begins with {beginning}, among the newest {LOOKED_THROUGH:,} of each "
            "function and status; tarry runs lists them"
        )
    return found


def find_event(event_id: str, name: str | None, since: str, tarry: Connection) -> ReceivedEvent:
    """Return the event of that id in the log, as it was first received; raise ``CommandError`` if there is none.

    The lookup goes back to ``since``, in the log of its name if one is given.
    """
    back = milliseconds(since)
    with bounded_reading() as on_page:
        found = tarry.store.queries.event(event_id, name, now() - back, now(), on_page)
    if found is None:
        what = "no event" if name is None else f"no event {name}"
        raise CommandError(
            f"{what} in the last {since} has the id {event_id}; look further back, such as with --since 7d. tarry "
            "events lists events with their ids"
        )
    return found
