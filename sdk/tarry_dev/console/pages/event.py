"""The page of one event: what it did, and what it missed, condition by condition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from tarry_backend.api.asked_event import AmbiguousError, AskedEvent, find_event
from tarry_backend.api.documents import event_receipt_document, received_document
from tarry_backend.model.run import RunStatus
from tarry_dev.console.source import PageError
from tarry_dev.console.visit import Page
from tarry_dev.console.words import MARKS
from tarry_dev.time_span import span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run
    from tarry_dev.console.visit import Visit

__all__ = ["show"]

_SHOWN = 50
"""How many runs that the event started, or resumed, are shown each."""

_BACK = 7 * 86_400_000


def show(visit: Visit, event_id: str) -> Page | Response:
    """Show what the event did."""
    asked = AskedEvent(event_id, visit.request.args.get("name") or None, visit.request.args.get("source") or None)
    if asked.name is None and not visit.source.is_local and (not visit.arg("scan") or visit.is_from_elsewhere):
        context = {"id": event_id, "found": [], "is_scan": True}
        return Page("which_event.html", "Which event?", "events", context)
    found, several = _found(asked, visit)
    if several:
        context = {"id": event_id, "found": [received_document(each) for each in several], "is_scan": False}
        return Page("which_event.html", "Which event?", "events", context)
    if found is None:
        name = f" {asked.name}" if asked.name else ""
        raise PageError(404, f"No event{name} with the id {event_id[:80]} is in the log of the last seven days.")
    if visit.arg("whole"):
        data = json.dumps(dict(found.event.data), indent=2, ensure_ascii=False)
        return Response(f"{data}\n", mimetype="text/plain")
    made = visit.source.lookups.receipt(found)
    document = event_receipt_document(made)
    runs = _runs({run_id for run_id, _ in (*made.resumed, *made.cancelled)}, visit)
    context = {
        "receipt": document,
        "received_at": found.received_at,
        "event": document["event"],
        "effects": [
            *_effects("started", [(each.run.id, "") for each in made.started], {e.run.id: e.run for e in made.started}),
            *_effects("resumed", made.resumed, runs),
            *_effects("cancelled", made.cancelled, runs),
            *_effects("about to resume", [(e.run.id, e.step_key or "") for e in made.pending], {}),
        ],
        "unstarted": [
            {**each, "reason": str(trace)} for each, trace in zip(document["unstarted"], made.unstarted, strict=True)
        ],
        "missed": [{**each, "why": _why(each)} for each in document["missed"]],
        "whole": visit.link("events", found.event.id, name=found.event.name, source=found.event.source, whole="1"),
    }
    return Page("event.html", found.event.name, "events", context, every=visit.refresh())


def _found(asked: AskedEvent, visit: Visit) -> tuple[ReceivedEvent | None, tuple[ReceivedEvent, ...]]:
    """The event that is asked for, or the events that it may be."""
    lookups, told = visit.source.lookups, visit.source.deployment

    def logged() -> Iterable[ReceivedEvent]:
        if asked.name is None and visit.source.newest_events is not None:
            near = [each for each in visit.source.newest_events(1_000) if asked.fits(each.event)]
            if near:
                return near
        return lookups.events_of_id(asked.id, asked.name, visit.now - _BACK, visit.now)

    try:
        return find_event(asked, told.app_id, told.functions, lookups.store, logged), ()
    except AmbiguousError as error:
        return None, error.found


def _runs(ids: set[str], visit: Visit) -> dict[str, Run]:
    return visit.source.lookups.store.runs.some(sorted(ids)[:100]) if ids else {}


def _effects(done: str, targets: Iterable[tuple[str, str]], runs: dict[str, Run]) -> list[dict[str, Any]]:
    every = list(targets)
    rows = []
    for run_id, step in every[:_SHOWN]:
        run = runs.get(run_id)
        status = (run.status if run else RunStatus.RUNNING).value
        function = run.function_id if run else ""
        rows.append({"done": done, "run": run_id, "step": step, "function": function, "status": status})
    for row in rows:
        row["sign"] = MARKS[row["status"]]
    if len(every) > _SHOWN:
        rows.append({"done": f"… and {len(every) - _SHOWN:,} more {done}", "run": "", "step": "", "function": ""})
    return rows


def _why(miss: dict[str, Any]) -> str:
    """Say why the event did not resolve the wait."""
    apart = span(miss["apart"])
    reason = str(miss["reason"])
    return {
        "too early": f"It came {apart} before the time from which the wait counts events.",
        "too late": f"It came {apart} after the deadline.",
        "overtaken": "It came in time, but the deadline's message was handled first.",
        "had before": "The run has had this event before.",
        "expression": "The condition is false for it.",
        "incomparable": f"The condition cannot be evaluated for it: {miss['detail']}.",
        "resolved": f"Event {miss['detail']} had ended the wait.",
        "withdrawn": "The wait was no longer there: its run had ended, or another branch had won.",
    }.get(reason, reason)
