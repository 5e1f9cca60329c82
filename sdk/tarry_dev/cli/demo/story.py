"""Shows a play: what came over the bus and what it did, what became of the runs, one of them in detail."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from tarry_dev.cli.demo.effects import effects, ends, most_telling
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.screen import BAD, GOOD, OPEN, QUIET
from tarry_dev.cli.timeline import timeline
from tarry_dev.cli.times import Calendar, gist, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from tarry import App
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.demo.effects import Ends
    from tarry_dev.cli.demo.play import Play

_STYLES = {"failed": BAD, "running": OPEN}

__all__ = ["heading", "story", "teaches"]


def heading(target: str, file: Path, about: str) -> RenderableType:
    """Above an act: what is played to whom, and what it is about."""
    title = Text.assemble((target, "bold"), " gets the events of ", (file.name, "bold"))
    return Group(Rule(title, align="left", style=QUIET), Text(about), "")


def teaches(target: str) -> str:
    """The first paragraph of the docstring of the app's module."""
    module = sys.modules.get(target.partition(":")[0])
    return " ".join((module.__doc__ or "").strip().partition("\n\n")[0].split()) if module else ""


def story(app: App, play: Play, *, in_detail: bool) -> RenderableType:
    """A play, told."""
    calendar = Calendar(play.began, UTC, dated=True)
    parts: list[RenderableType] = [_bus(app, play, calendar), ""]
    parts += [_runs(function, play, calendar) for function in app.functions]
    if in_detail and (snapshot := most_telling(play.snapshots)):
        detail = Padding(timeline(snapshot, Calendar(snapshot.run.started, UTC)), (0, 0, 0, 2))
        parts += [_head("One run in detail"), detail, ""]
    real, moved = span(int(play.seconds * 1000)), span(play.ended - play.began)
    parts.append(Text.assemble(("All this took ", QUIET), real, (f"; {moved} went by on its clock (UTC).", QUIET)))
    return Group(*parts, "")


def _bus(app: App, play: Play, calendar: Calendar) -> RenderableType:
    grid = _grid(False, False, True, False)
    known, foreign = _parted(app, play)
    for effect in effects(known, play.snapshots):
        event = effect.received.event
        name = event.name if effect.count == 1 else f"{event.name} ({effect.count} times)"
        data = gist(event.data, 44) + (" …" if effect.count > 1 else "")
        did = Text(effect.did, QUIET if effect.did.startswith("nothing") else OPEN)
        grid.add_row("", calendar.at(effect.received.received_at), name, data, did)
    rest = [Padding(Text(_left_out(foreign), QUIET), (0, 0, 0, 2))] if foreign else []
    return Group(_head("What came over the bus, and what it did"), grid, *rest)


def _parted(app: App, play: Play) -> tuple[list[ReceivedEvent], list[ReceivedEvent]]:
    """The events that the app starts with or has waited for, by their names, and the others."""
    waits = (step.wait for snapshot in play.snapshots for step in snapshot.steps if step.wait)
    awaited = {each.event_name for wait in waits for each in wait.all}
    triggers = [trigger for function in app.functions.values() for trigger in function.event_triggers]

    def concerns(received: ReceivedEvent) -> bool:
        name = received.event.name
        return name in awaited or any(trigger.names(name) for trigger in triggers)

    known = [received for received in play.events if concerns(received)]
    return known, [received for received in play.events if not concerns(received)]


def _left_out(events: Sequence[ReceivedEvent]) -> str:
    names = ", ".join(dict.fromkeys(received.event.name for received in events))
    return f"and {len(events)} that no function here starts with or waits for: {names}"


def _runs(function: str, play: Play, calendar: Calendar) -> RenderableType:
    snapshots = [snapshot for snapshot in play.snapshots if snapshot.run.function_id == function]
    grouped = ends(snapshots, calendar)
    grid = _grid(False, False, True, True, False)
    for group in grouped:
        for row in _rows(group):
            grid.add_row("", *row)
    return Group(_head(f"What became of the runs of {function}: {_counted(grouped)}"), grid, "")


def _rows(group: Ends) -> Iterable[tuple[RenderableType, ...]]:
    end = Text(group.end, _STYLES.get(group.end, GOOD))
    if group.shown_as_one:
        first = group.snapshots[0].run
        yield end, f"{len(group.snapshots)} runs", f"{gist(first.event.data, 34)} …", group.why, ""
        return
    for snapshot in group.snapshots:
        run = snapshot.run
        yield end, run.id[:SHORT], gist(run.event.data, 36), group.why, _after(snapshot)


def _after(snapshot: RunSnapshot) -> str:
    run = snapshot.run
    return "" if run.ended is None else span(run.ended - run.started)


def _counted(groups: Iterable[Ends]) -> str:
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.end] += len(group.snapshots)
    return ", ".join(f"{count} {end}" for end, count in counts.items()) or "none was started"


def _grid(*wraps: bool) -> Table:
    """Columns, and which of them are folded where the terminal is narrow."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for each in (False, *wraps):
        grid.add_column(no_wrap=not each, overflow="fold")
    return grid


def _head(text: str) -> Text:
    return Text(text, "bold")
