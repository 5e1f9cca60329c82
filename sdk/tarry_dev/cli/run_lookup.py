"""The lookup of a run or an event by a person's input."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry_backend.api.asked_event import AmbiguousError, AskedEvent, find_event
from tarry_backend.clock import now
from tarry_backend.store.queries import LOOKED_THROUGH
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.progress import bounded_reading

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.connection import Connection

__all__ = ["find_one_event", "find_run"]


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


def find_one_event(asked: AskedEvent, since: str, tarry: Connection) -> ReceivedEvent:
    """Return the event that is asked for; raise ``CommandError`` if there is none, or several.

    The lookup goes back to ``since``, in the log of its name if one is given.
    """
    back, moment = milliseconds(since), now()
    with bounded_reading() as on_page:
        logged = partial(tarry.store.queries.events_of_id, asked.id, asked.name, moment - back, moment, on_page)
        try:
            found = find_event(asked, tarry.deployment.app_id, tarry.functions, tarry.store, logged)
        except AmbiguousError as error:
            raise CommandError(f"{error}: choose one with --name and --source") from error
    if found is None:
        what = "no event" if asked.name is None else f"no event {asked.name}"
        by = "" if asked.source is None else f" from {asked.source}"
        raise CommandError(
            f"{what}{by} in the last {since} has the id {asked.id}; look further back, such as with --since 7d. tarry "
            "events lists events with their ids"
        )
    return found
