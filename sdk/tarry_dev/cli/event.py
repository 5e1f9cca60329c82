"""``tarry event``: what an event did, and what it missed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tarry_backend.api.documents import event_receipt_document
from tarry_backend.api.receipts import LOOKED_THROUGH, Why
from tarry_backend.clock import now
from tarry_backend.model.own_code import beside
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.near_misses import conditions, near_rows, unheard
from tarry_dev.cli.run_lookup import find_one_event
from tarry_dev.cli.screen import BAD, GOOD, OPEN, QUIET, STATUS, note, print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar, compact, span
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from tarry_backend.api.asked_event import AskedEvent, Effect
    from tarry_backend.api.receipts import Miss, Receipt
    from tarry_backend.model.run import Run
    from tarry_backend.model.trace import Trace
    from tarry_dev.cli.connection import Lookups

__all__ = ["receipt_grid", "show_receipt"]

_SHOWN = 20
"""How many runs of each kind are shown; ``--json`` has all."""


def show_receipt(asked: AskedEvent, since: str, stack: str | None, as_json: bool, with_all: bool = False) -> None:
    """Find the event, and show its receipt."""
    with connect(stack) as tarry:
        made = tarry.lookups.receipt(find_one_event(asked, since, tarry))
        if as_json:
            print_json(event_receipt_document(made))
        else:
            screen().print(_page(made, tarry.lookups, Calendar(now()), with_all))
            if (page := tarry.event_page(made.received.event)) is not None:
                note(f"page {page}")
    if not made.is_whole:
        note(f"more than {LOOKED_THROUGH:,} waits have its keys: only these were checked")


def receipt_grid(made: Receipt, lookups: Lookups, with_all: bool = False) -> RenderableType:
    """Return what the event did and missed. What it does not match is shown if it did nothing, or ``with_all``."""
    name = made.received.event.name
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column in range(4):
        grid.add_column(no_wrap=column < 2, overflow="fold")
    for row in _rows(made, lookups):
        grid.add_row(*row)
    if with_all or not made.has_effect:
        for row in near_rows(made.near, name):
            grid.add_row(*row)
    if not grid.row_count:
        return "; ".join(filter(None, ("it started no run, and no wait was near it", unheard(name, made.near))))
    if made.has_effect and not with_all and (more := made.near.unmatched):
        waits = "1 more open wait does" if more == 1 else f"{more:,} more open waits do"
        return Group(grid, Text(f"{waits} not match it: tarry event {one_line(made.received.event.id)} --all", QUIET))
    return grid


def _page(made: Receipt, lookups: Lookups, calendar: Calendar, with_all: bool) -> RenderableType:
    event = made.received.event
    head = Text.assemble(
        (one_line(event.name), "bold"),
        f"  event {one_line(event.id)}\n",
        f"received {calendar.at(made.received.received_at)}",
    )
    head.append(f", sent by {one_line(event.source)}\n" if event.source else "\n").append(compact(event.data, 100))
    return Group(head, "", receipt_grid(made, lookups, with_all))


def _rows(made: Receipt, lookups: Lookups) -> Iterator[tuple[RenderableType, ...]]:
    yield from _of("started", GOOD, ((each.run, "") for each in made.started), len(made.started))
    for trace in made.unstarted:
        free = "" if trace.free_at is None else f"; there was room again {_after(trace, made)} later"
        yield (
            Text("started none", OPEN),
            (trace.by or "")[:SHORT],
            Text(trace.function_id),
            Text(one_line(f"{trace}{free}")),
        )
    yield from _of("resumed", GOOD, _loaded(made.resumed, lookups), len(made.resumed))
    yield from _of("cancelled", OPEN, _loaded(made.cancelled, lookups), len(made.cancelled))
    yield from _of("about to resume", OPEN, map(_pair, made.pending), len(made.pending))
    for miss in made.missed:
        words = Text(one_line(_why_missed(miss)))
        if miss.expression:
            words.append(f"\nif {one_line(miss.expression)}", QUIET)
        if miss.conjuncts:
            words.append("\n").append(conditions(miss.conjuncts))
        yield Text("missed", BAD), miss.run.id[:SHORT], _place(miss.run, miss.step_key), words
    if (more := made.misses - len(made.missed)) > 0:
        yield "", "", f"and {more:,} more waits were missed", ""


def _after(trace: Trace, made: Receipt) -> str:
    return span(max(0, (trace.free_at or 0) - made.received.received_at))


def _of(done: str, style: str, runs: Iterable[tuple[Run, str]], count: int) -> Iterator[tuple[RenderableType, ...]]:
    for run, step_key in islice(runs, _SHOWN):
        status = Text(run.status.value, STATUS[run.status.value])
        words = Text.assemble("now ", status)
        if run.error is not None and run.ended is not None:
            words.append(
                one_line(f": {run.error.name}: {run.error.message}{beside(run.error.message, run.error.stack)}")
            )
        yield Text(done, style), run.id[:SHORT], _place(run, step_key), words
    if count > _SHOWN:
        yield "", "", f"and {count - _SHOWN:,} more {'are ' if done.startswith('about') else 'were '}{done}", ""


def _loaded(targets: Iterable[tuple[str, str]], lookups: Lookups) -> Iterator[tuple[Run, str]]:
    """Read only the runs that are shown."""
    for run_id, step_key in targets:
        if (run := lookups.run(run_id)) is not None:
            yield run, step_key


def _pair(effect: Effect) -> tuple[Run, str]:
    return effect.run, effect.step_key or ""


def _place(run: Run, step_key: str) -> Text:
    return Text.assemble(run.function_id, (f", {one_line(step_key)}" if step_key else "", QUIET))


def _why_missed(miss: Miss) -> str:
    """Describe why the event did not resolve a wait."""
    match miss.why:
        case Why.EARLY:
            return f"it came {span(miss.apart)} before the wait's since: see tarry run"
        case Why.LATE:
            return f"it came {span(miss.apart)} after the deadline"
        case Why.OVERTAKEN:
            return "it came in time, but the deadline's message, sent a second later, was handled first"
        case Why.HAD:
            return "the run has had this event before"
        case Why.EXPRESSION:
            return "the expression is false for it"
        case Why.INCOMPARABLE:
            return f"the expression cannot be evaluated for it: {miss.detail}"
        case Why.RESOLVED:
            return f"event {miss.detail} had ended the wait"
        case Why.WITHDRAWN:
            return "the wait was no longer there: its run had ended, or another branch had won"
