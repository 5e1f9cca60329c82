"""``tarry runs``: the newest runs, as a table or as a JSON document."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from rich.text import Text

from tarry_backend.api.documents import run_document
from tarry_backend.clock import now
from tarry_backend.model.run import RunStatus
from tarry_dev.cli.describe import SHORT, lives, now_doing
from tarry_dev.cli.errors import no_function
from tarry_dev.cli.screen import STATUS, print_json, screen, table
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar, span, values
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.table import Table

    from tarry_backend.model.run import Run, RunSnapshot

__all__ = ["show_runs"]

_WIDTH = 48


def show_runs(
    function: str | None, status: str | None, limit: int, stack: str | None, as_json: bool, full: bool = False
) -> None:
    """``tarry runs``. A function that the app no longer has may still have runs."""
    with connect(stack) as tarry:
        functions = tarry.functions if function is None else (function,)
        statuses = tuple(RunStatus) if status is None else (RunStatus(status),)
        snapshots = tarry.lookups.newest_runs(functions, statuses, limit)
    if not snapshots and function is not None and function not in tarry.functions:
        raise no_function(function, tarry.functions)
    if as_json:
        print_json({"runs": [tarry.named(run_document(each), each.run.id) for each in snapshots]})
    else:
        with values(whole=full):
            shown = _runs_table(snapshots, Calendar(now()), None if full else SHORT, tarry.called)
        screen().print(shown if snapshots else "no runs yet; start one with tarry send NAME")


def _runs_table(
    snapshots: Iterable[RunSnapshot],
    calendar: Calendar,
    id_width: int | None,
    called: Callable[[Run], str] = attrgetter("function_id"),
) -> Table:
    """Return a table of runs, each with its result or what it waits for."""
    is_full = id_width is None
    made = table(
        "Run", "Function", "Status", "Started", "Took", "Outcome, or what it waits for", *["Version"] * is_full
    )
    for snapshot in snapshots:
        run = snapshot.run
        made.add_row(
            run.id[:id_width],
            called(run),
            Text(f"{run.status.value}{lives(run)}", STATUS[run.status.value]),
            calendar.at(run.started),
            span(run.ended - run.started) if run.ended is not None else "…",
            now_doing(snapshot, calendar, _WIDTH),
            *[one_line(run.version or "")] * is_full,
        )
    return made
