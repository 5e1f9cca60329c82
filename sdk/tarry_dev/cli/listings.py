"""Tables of runs, waits and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tarry_dev.cli.describe import SHORT, now_doing
from tarry_dev.cli.screen import BAD, QUIET, STATUS, table
from tarry_dev.cli.times import compact, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.replay import Step, Wait
    from tarry_backend.store import Run, RunSnapshot
    from tarry_dev.cli.times import Calendar

__all__ = ["events_table", "runs_table", "waits_table"]

_WIDTH = 48


def runs_table(snapshots: Iterable[RunSnapshot], calendar: Calendar) -> Table:
    """Runs, each with what it has come to or waits for."""
    made = table("Run", "Function", "Status", "Started", "Took", "Outcome, or what it waits for")
    for snapshot in snapshots:
        run = snapshot.run
        made.add_row(
            run.id[:SHORT],
            run.function_id,
            Text(run.status.value, STATUS[run.status.value]),
            calendar.at(run.started),
            span(run.ended - run.started) if run.ended is not None else "…",
            now_doing(snapshot, calendar, _WIDTH),
        )
    return made


def waits_table(waits: Iterable[tuple[Run, Step]], calendar: Calendar) -> Table:
    """Open waits, each with what would resolve it and how long it still has."""
    made = table("Run", "Function, step", "Waits for", "Until", "Left")
    for run, step in waits:
        deadline = step.wait.deadline if step.wait else step.due or 0
        made.add_row(
            run.id[:SHORT],
            Text.assemble(run.function_id, "\n", (step.key, QUIET)),
            _awaited(step.wait) if step.wait else f"signal {step.signal.name if step.signal else ''}",
            calendar.at(deadline),
            span(deadline - calendar.today),
        )
    return made


def events_table(events: Iterable[ReceivedEvent], calendar: Calendar) -> Table:
    """Events in the order in which they were received."""
    made = table("Received", "Event", "Source", "Data")
    for received in events:
        event = received.event
        made.add_row(
            calendar.at(received.received_at),
            event.name,
            event.source,
            Text.assemble(compact(event.data, 120), "\n", (event.id, QUIET)),
        )
    return made


def _awaited(wait: Wait) -> Text:
    return Text("\n").join(line for each in wait.all for line in _lines(each))


def _lines(wait: Wait) -> Iterator[Text]:
    yield Text(wait.event_name)
    if wait.expression:
        yield Text(f"if {wait.expression}", QUIET)
    if wait.note:
        yield Text(f"note: {wait.note}", BAD)
