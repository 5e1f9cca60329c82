"""``tarry events``: the newest events, from the log; or the answer of the audit trail to a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tarry.durations import milliseconds
from tarry_backend.api.documents import received_document
from tarry_backend.clock import now
from tarry_dev.cli.audit_query import answer_table, ask_folder, find_folder
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.progress import bounded_reading
from tarry_dev.cli.screen import QUIET, print_json, screen, table
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar, compact, values
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_dev.cli.audit_query import Answer

__all__ = ["show_answer", "show_events"]


def show_events(name: str | None, since: str, limit: int, stack: str | None, as_json: bool, full: bool = False) -> None:
    """``tarry events``."""
    back = milliseconds(since)
    with connect(stack) as tarry, bounded_reading() as on_page:
        newest = tarry.lookups.newest_events(name, now() - back, now(), limit, on_page)
    if as_json:
        print_json({"events": [received_document(received) for received in newest]})
    else:
        what = "events" if name is None else f"events {name}"
        with values(whole=full):
            shown = _events_table(newest, Calendar(now()))
        screen().print(shown if newest else f"no {what} in the last {since}")


def show_answer(sql: str, stack: str | None, as_json: bool) -> None:
    """``tarry events --sql``."""
    answer = ask_folder(find_folder(), sql) if stack is None else _ask_stack(stack, sql)
    if as_json:
        print_json(answer.document())
    else:
        screen().print(answer_table(answer) if answer.rows else "the query found nothing")


def _events_table(events: Iterable[ReceivedEvent], calendar: Calendar) -> Table:
    """Return a table of events in the order of their receipt."""
    made = table("Received", "Event", "Source", "Data")
    for received in events:
        event = received.event
        made.add_row(
            calendar.at(received.received_at),
            one_line(event.name),
            one_line(event.source),
            Text.assemble(compact(event.data, 120), "\n", (one_line(event.id), QUIET)),
        )
    return made


def _ask_stack(stack: str, sql: str) -> Answer:
    from tarry_dev.cli.athena_query import ask_athena

    with connect(stack) as tarry:
        try:
            workgroup, database = tarry.outputs["AuditWorkgroup"], tarry.outputs["AuditDatabase"]
        except KeyError:
            raise CommandError(f"stack {stack!r} has no audit trail: deploy it with audit=True") from None
        return ask_athena(workgroup, database, sql)
