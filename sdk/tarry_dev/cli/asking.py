"""What the commands ask of a Tarry, and show: as tables, or as a JSON document."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry_backend.api.documents import open_wait_document, received_document, run_document, run_page
from tarry_backend.clock import now
from tarry_backend.store import RunStatus, queries
from tarry_dev.cli.ask_sql import answer_table, ask_folder, find_folder
from tarry_dev.cli.connection import connected
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.listings import events_table, runs_table, waits_table
from tarry_dev.cli.progress import bounded_reading
from tarry_dev.cli.run_lookup import find_run
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.timeline import timeline
from tarry_dev.cli.times import Calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from tarry import Event
    from tarry_dev.cli.ask_sql import Answer

__all__ = ["send_events", "show_answer", "show_events", "show_run", "show_runs", "show_waits"]


def send_events(events: Sequence[Event], stack: str | None, as_json: bool) -> None:
    """``tarry send``."""
    with connected(stack) as tarry:
        ids = tarry.bus.send(events)
    if as_json:
        print_json({"ids": ids})
    elif len(ids) == 1:
        screen().print(f"sent {events[0].name} as {ids[0]}")
    else:
        screen().print(f"sent {len(ids)} events")


def show_runs(function: str | None, status: str | None, limit: int, stack: str | None, as_json: bool) -> None:
    """``tarry runs``. A function that the app has no longer may have runs still."""
    with connected(stack) as tarry:
        functions = tarry.functions if function is None else (function,)
        statuses = tuple(RunStatus) if status is None else (RunStatus(status),)
        snapshots = queries.newest_runs(tarry.store.runs, functions, statuses, limit)
    if not snapshots and function is not None and function not in tarry.functions:
        raise CommandError(f"there is no function {function!r}: it has {', '.join(tarry.functions)}")
    if as_json:
        print_json({"runs": [run_document(snapshot) for snapshot in snapshots]})
    else:
        _show(runs_table(snapshots, Calendar(now())) if snapshots else "no runs; start one: tarry send NAME")


def show_run(beginning: str, stack: str | None, as_json: bool) -> None:
    """``tarry run``."""
    with connected(stack) as tarry:
        snapshot = find_run(beginning, tarry)
    if as_json:
        print_json(run_page(snapshot))
    else:
        _show(timeline(snapshot, Calendar(snapshot.run.started)))


def show_waits(limit: int, stack: str | None, as_json: bool) -> None:
    """``tarry waits``."""
    with connected(stack) as tarry:
        waits = list(islice(queries.open_waits(tarry.store.runs), limit))
    if as_json:
        print_json({"waits": [open_wait_document(run, step) for run, step in waits]})
    else:
        _show(waits_table(waits, Calendar(now())) if waits else "nothing waits for an event or a signal")


def show_events(name: str | None, since: str, limit: int, stack: str | None, as_json: bool) -> None:
    """``tarry events``."""
    back = milliseconds(since)
    with connected(stack) as tarry, bounded_reading() as on_page:
        found = queries.events(tarry.store, name, now() - back, now(), on_page)
        newest = deque(found, maxlen=limit)
    if as_json:
        print_json({"events": [received_document(received) for received in newest]})
    else:
        what = "events" if name is None else f"events {name}"
        _show(events_table(newest, Calendar(now())) if newest else f"no {what} in the last {since}")


def show_answer(sql: str, stack: str | None, as_json: bool) -> None:
    """``tarry events --sql``."""
    answer = ask_folder(find_folder(), sql) if stack is None else _ask_stack(stack, sql)
    if as_json:
        print_json(answer.document())
    else:
        _show(answer_table(answer) if answer.rows else "nothing fits the query")


def _show(what: RenderableType) -> None:
    screen().print(what)


def _ask_stack(stack: str, sql: str) -> Answer:
    from tarry_dev.cli.ask_athena import ask_athena

    with connected(stack) as tarry:
        try:
            workgroup, database = tarry.outputs["AuditWorkgroup"], tarry.outputs["AuditDatabase"]
        except KeyError:
            raise CommandError(f"stack {stack!r} keeps no audit trail: deploy it with audit=True") from None
        return ask_athena(workgroup, database, sql)
