"""What the commands ask of a Tarry, and show: as tables, or as a JSON document."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry_backend.clock import now
from tarry_backend.store import RunStatus, listing
from tarry_dev.cli.documents import open_wait_document, received_document, run_document, run_page
from tarry_dev.cli.endpoint import connected
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.listings import events_table, runs_table, waits_table
from tarry_dev.cli.moments import Calendar
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from tarry import Event
    from tarry_backend.store import Whole
    from tarry_dev.cli.endpoint import Connection

__all__ = ["send_events", "show_events", "show_run", "show_runs", "show_waits"]


def send_events(events: Sequence[Event], as_json: bool) -> None:
    """``tarry send``."""
    with connected() as tarry:
        ids = tarry.bus.send(events)
    if as_json:
        print_json({"ids": ids})
    elif len(ids) == 1:
        screen().print(f"sent {events[0].name} as {ids[0]}")
    else:
        screen().print(f"sent {len(ids)} events")


def show_runs(function: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """``tarry runs``."""
    with connected() as tarry:
        functions = tarry.functions if function is None else (_known(function, tarry),)
        statuses = tuple(RunStatus) if status is None else (RunStatus(status),)
        wholes = listing.newest_runs(tarry.store.runs, functions, statuses, limit)
    if as_json:
        print_json({"runs": [run_document(whole) for whole in wholes]})
    else:
        _show(runs_table(wholes, Calendar(now())) if wholes else "no runs; start one: tarry send NAME")


def show_run(beginning: str, as_json: bool) -> None:
    """``tarry run``."""
    with connected() as tarry:
        whole = _find(beginning.upper(), tarry)
    if as_json:
        print_json(run_page(whole))
    else:
        _show(timeline(whole, Calendar(whole.run.started)))


def show_waits(limit: int, as_json: bool) -> None:
    """``tarry waits``."""
    with connected() as tarry:
        waits = list(islice(listing.open_waits(tarry.store.runs), limit))
    if as_json:
        print_json({"waits": [open_wait_document(run, step) for run, step in waits]})
    else:
        _show(waits_table(waits, Calendar(now())) if waits else "nothing waits for an event")


def show_events(name: str | None, since: str, limit: int, as_json: bool) -> None:
    """``tarry events``."""
    back = milliseconds(since)
    with connected() as tarry:
        found = listing.events(tarry.store.log, name, now() - back, now())
        newest = deque(found, maxlen=limit)
    if as_json:
        print_json({"events": [received_document(received) for received in newest]})
    else:
        what = "events" if name is None else f"events {name}"
        _show(events_table(newest, Calendar(now())) if newest else f"no {what} in the last {since}")


def _show(what: RenderableType) -> None:
    screen().print(what)


def _known(function: str, tarry: Connection) -> str:
    if function not in tarry.functions:
        raise CommandError(f"there is no function {function!r}: it has {', '.join(tarry.functions)}")
    return function


def _find(beginning: str, tarry: Connection) -> Whole:
    """The run of that id, or the one run whose id begins so."""
    whole = tarry.store.runs.load(beginning)
    if whole is not None:
        return whole
    ids = listing.run_ids(tarry.functions, beginning)
    if len(ids) > 1:
        some = ", ".join(ids[:5])
        raise CommandError(f"{len(ids)} runs have an id that begins with {beginning}: {some}; give more of it")
    found = tarry.store.runs.load(ids[0]) if ids else None
    if found is None:
        raise CommandError(
            f"no run has an id that begins with {beginning}, among the newest {listing.LOOKED_THROUGH:,} of each "
            "function and status; tarry runs lists them"
        )
    return found
