"""The page of open waits: what runs wait for, by deadline or by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.model.step import END_OF_TIME
from tarry_dev.console.visit import Page
from tarry_dev.console.wait_condition import condition_words

if TYPE_CHECKING:
    from tarry_backend.model.run import Run
    from tarry_backend.model.step import Step
    from tarry_dev.console.visit import Visit

__all__ = ["show"]

_LIMIT = 50


def show(visit: Visit) -> Page:
    """Show the open waits with the nearest deadlines; by event name if asked."""
    found = visit.source.lookups.open_waits(_LIMIT + 1)
    rows = [_row(run, step) for run, step in found[:_LIMIT]]
    by_event = visit.arg("by") == "event"
    name = visit.arg("name")
    if name:
        rows = [row for row in rows if name in row["names"]]
    if by_event:
        rows.sort(key=lambda row: (row["names"][:1], row["deadline"]))
    context = {"rows": rows, "has_more": len(found) > _LIMIT, "by_event": by_event, "name": name, "limit": _LIMIT}
    return Page("waits.html", "Waits", "waits", context, every=visit.refresh())


def _row(run: Run, step: Step) -> dict[str, Any]:
    deadline = step.wait.deadline if step.wait is not None else step.due or END_OF_TIME
    waits = () if step.wait is None else step.wait.all
    return {
        "run": run.id,
        "function": run.function_id,
        "step": step.key,
        "names": [wait.event_name for wait in waits],
        "signal": None if step.signal is None else step.signal.name,
        "waits": [
            {"event": wait.event_name, "words": condition_words(wait, run.event), "note": wait.note} for wait in waits
        ],
        "deadline": deadline,
        "is_endless": deadline >= END_OF_TIME,
        "began": step.began,
    }
