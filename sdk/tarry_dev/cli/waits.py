"""``tarry waits``: the open waits, as a table or as a JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tarry_backend.api.documents import open_wait_document
from tarry_backend.clock import now
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.screen import BAD, QUIET, print_json, screen, table
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar, span
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from tarry_backend.model.run import Run
    from tarry_backend.model.step import Step, Wait
    from tarry_dev.cli.connection import Connection

__all__ = ["show_waits"]


def show_waits(limit: int, stack: str | None, as_json: bool) -> None:
    """``tarry waits``."""
    with connect(stack) as tarry:
        waits = tarry.lookups.open_waits(limit)
    if as_json:
        print_json({"waits": [tarry.named(open_wait_document(run, step), run.id) for run, step in waits]})
    else:
        screen().print(
            _waits_table(waits, Calendar(now()), tarry) if waits else "no run waits for an event or a signal"
        )


def _waits_table(waits: Iterable[tuple[Run, Step]], calendar: Calendar, tarry: Connection) -> Table:
    """Return a table of open waits, each with what would resolve it and the time left."""
    made = table("Run", "Function, step", "Waits for", "Until", "Left")
    for run, step in waits:
        deadline = step.wait.deadline if step.wait else step.due or 0
        made.add_row(
            run.id[:SHORT],
            Text.assemble(tarry.called(run), "\n", (one_line(step.key), QUIET)),
            _awaited(step.wait) if step.wait else one_line(f"signal {step.signal.name if step.signal else ''}"),
            calendar.at(deadline),
            span(deadline - calendar.today),
        )
    return made


def _awaited(wait: Wait) -> Text:
    return Text("\n").join(line for each in wait.all for line in _lines(each))


def _lines(wait: Wait) -> Iterator[Text]:
    yield Text(one_line(wait.event_name))
    if wait.condition:
        yield Text(f"if {one_line(wait.condition)}", QUIET)
    if wait.note:
        yield Text(f"note: {one_line(wait.note)}", BAD)
