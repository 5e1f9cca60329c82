"""The time line of one run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tarry_backend.model.step import Status
from tarry_dev.cli.describe import (
    MARKS,
    answer,
    end_mark,
    failure,
    guard,
    handed_over,
    lives,
    mark,
    next_attempt,
    outcome,
    place,
    value,
    why_cancelled,
)
from tarry_dev.cli.screen import BAD, QUIET, STATUS
from tarry_dev.cli.times import compact, span
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from tarry_backend.model.control import HeldBack
    from tarry_backend.model.failure import Failure
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step, Wait
    from tarry_dev.cli.times import Calendar

__all__ = ["timeline"]

_WIDTH = 56


def timeline(
    snapshot: RunSnapshot, calendar: Calendar, attempts: int | None = None, held: HeldBack | None = None
) -> RenderableType:
    """Return a run's time line: the duration and result of each step, up to its end or its present state.

    ``attempts`` is how many attempts its steps have, if that is known. ``held`` is what holds the run back.
    """
    run = snapshot.run
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", max_width=32)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(calendar.at(run.started), MARKS["start"], one_line(run.event.name), "", _data(run))
    for each in snapshot.guards if run.ended is None else ():
        grid.add_row("", "", "", "", Text(guard(each, calendar), QUIET))
    past = deque(_past(snapshot, calendar))
    for step in snapshot.steps:
        while past and past[0][0] <= step.began:
            grid.add_row(*past.popleft()[1])
        grid.add_row(*_row(step, calendar, attempts, run.version))
    for _, row in past:
        grid.add_row(*row)
    if run.due is not None:
        grid.add_row(calendar.at(run.due), MARKS["waiting"], "", "", next_attempt(run, run.due, calendar, attempts))
    if held is not None:
        grid.add_row(calendar.at(held.since), MARKS["waiting"], "", "", _held(held, calendar))
    if run.ended is not None:
        grid.add_row(*_end(run, calendar))
    return Group(_title(run, calendar), "", grid)


def _held(held: HeldBack, calendar: Calendar) -> str:
    if held.begins is not None:
        return f"waits for its time: throttle lets it begin at {calendar.at(held.begins)}"
    if held.after is not None:
        return f"waits for the end of run {held.after}: its function has singleton=..."
    why = "" if held.paused is None else f"; its function is paused since {calendar.at(held.paused)}"
    return f"waits for its turn: {held.before}{' or more' if held.is_cut else ''} before it{why}"


def _past(snapshot: RunSnapshot, calendar: Calendar) -> Iterator[tuple[int, tuple[RenderableType, ...]]]:
    """Yield when and how the lives before have ended, each with the steps that the retry after it has dropped."""
    run = snapshot.run
    for life, each in enumerate(run.past_lives, start=run.life - len(run.past_lives)):
        again = f"retried {calendar.at(each.retried)}" + ("" if each.step is None else f" from {one_line(each.step)}")
        said = Text.assemble((one_line(each.error), QUIET), "\n", (again, QUIET))
        name = Text(f"life {life} failed", QUIET)
        yield each.ended, (calendar.at(each.ended), Text(MARKS["failed"], QUIET), name, "", said)
        for past in snapshot.past:
            if past.life == life:
                key, what = one_line(past.step.key), f"{past.step.status.value}, then dropped"
                name = Text(f"life {life}: {key}", QUIET)
                yield each.ended, (calendar.at(past.step.began), "", name, "", Text(what, QUIET))


def _title(run: Run, calendar: Calendar) -> Text:
    lasted = f" after {span(run.ended - run.started)}" if run.ended is not None else ""
    return Text.assemble(
        (run.function_id, "bold"),
        f"  run {run.id}  ",
        (run.status.value, STATUS[run.status.value]),
        f"{lasted}{lives(run)}  ",
        (f"started {calendar.day(run.started)}{_version(run.version)}", QUIET),
    )


def _version(version: str | None) -> str:
    return f" · version {one_line(version)}" if version else ""


def _data(run: Run) -> Text:
    more = f" and {len(run.batch) - 1} more of a batch" if len(run.batch) > 1 else ""
    return Text.assemble(compact(run.event.data, _WIDTH), "\n", (f"event {one_line(run.event.id)}{more}", QUIET))


def _row(step: Step, calendar: Calendar, attempts: int | None, version: str | None) -> tuple[RenderableType, ...]:
    style = STATUS[step.status.value]
    took = span(step.ended - step.began) if step.ended is not None else "…"
    return (
        calendar.at(step.began),
        Text(mark(step), style),
        one_line(step.key),
        took,
        _details(step, calendar, attempts, version),
    )


def _details(step: Step, calendar: Calendar, attempts: int | None, version: str | None) -> Text:
    lines = [Text(outcome(step, calendar, _WIDTH, attempts))]
    if step.wait is not None:
        if found := answer(step):
            lines.append(Text(f"event {found[1]}", QUIET))
        for wait in step.wait.all:
            lines += _awaited(wait, calendar, named=bool(step.wait.others))
    if step.invocation is not None:
        lines.append(Text(f"{step.invocation.function_id} run {step.invocation.run_id}", QUIET))
    if step.signal is not None and step.signal.sent_id is not None:
        lines.append(Text(f"signal {one_line(step.signal.sent_id)}", QUIET))
    if step.error is not None and step.status is not Status.RETRYING and (where := place(step.error)):
        lines.append(Text(f"{where}{_last(step, attempts)}", QUIET))
    if later := _other_version(step.error, version):
        lines.append(Text(later, QUIET))
    return Text("\n").join(lines)


def _other_version(error: Failure | None, version: str | None) -> str:
    """Name the version of the code that failed, if the run began with another."""
    return f"with version {one_line(error.version)}" if error and error.version and error.version != version else ""


def _last(step: Step, attempts: int | None) -> str:
    if step.kind not in ("run", "send"):
        return ""
    return f" · attempt {step.attempt + 1}" + ("" if attempts is None else f" of {attempts}")


def _awaited(wait: Wait, calendar: Calendar, *, named: bool) -> Iterator[Text]:
    name = f"{one_line(wait.event_name)} " if named else ""
    if wait.condition:
        yield Text(f"{name}if {one_line(wait.condition)}", QUIET)
    since, until = calendar.at(wait.since.received_at), calendar.at(wait.deadline)
    yield Text(f"{'' if wait.condition else name}since {since} · until {until}", QUIET)
    if wait.note:
        yield Text(f"note: {one_line(wait.note)}", BAD)


def _end(run: Run, calendar: Calendar) -> tuple[RenderableType, ...]:
    ended = calendar.at(run.ended or 0)
    text = Text(handed_over(run) or why_cancelled(run) or value(run.output, _WIDTH))
    if run.error is not None:
        where = "\n".join(filter(None, (place(run.error), _other_version(run.error, run.version))))
        text = Text.assemble((failure(run.error), BAD), "\n", (where, QUIET))
    return ended, Text(end_mark(run), STATUS[run.status.value]), run.status.value, "", text
