"""The page of one run: what it does, its waterfall, its values, and what can be done to it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from tarry._wire.jsonvalues import decode
from tarry.event import new_id
from tarry_backend.api.documents import run_page
from tarry_backend.events.address import caller
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import Status
from tarry_dev.console.cost import cost_of
from tarry_dev.console.source import PageError
from tarry_dev.console.step_rows import step_rows
from tarry_dev.console.visit import Gone, Page
from tarry_dev.console.waterfall import waterfall
from tarry_dev.console.words import now_words, place_of, run_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_dev.console.source import LogLine
    from tarry_dev.console.visit import Visit

__all__ = ["cancel", "rerun", "rerun_form", "retry", "show", "value"]

CANCEL, CHANGE = ("sqs:SendMessage",), ("dynamodb:UpdateItem", "sqs:SendMessage")
"""The permissions that actions need."""

_RUNNING = 1_000
"""After how many milliseconds the page of a run is read again: one query, and its place at a limit if it has one."""

_BATCH = 20
"""How many events of the batch that started a run are shown."""

_LATER = 60_000
"""By how many milliseconds the clocks of Lambdas and of CloudWatch may differ."""


def show(visit: Visit, run_id: str) -> Page:
    """Show the run."""
    snapshot = _snapshot(visit, run_id)
    run = snapshot.run
    source = visit.source
    held = source.lookups.held_back(run) if run.after or run.paced or source.is_pausable(run.function_id) else None
    lines = _lines(visit, run)
    fall = waterfall(snapshot, visit.now)
    facts = source.facts(run.function_id)
    attempts = None if facts is None else facts.attempts
    calling = caller(run, source.deployment.app_id)
    is_running = run.status is RunStatus.RUNNING
    context: dict[str, Any] = {
        "run": run_page(snapshot, held),
        "state": now_words(snapshot, visit.now, attempts),
        "ending": run_words(run),
        "place": place_of(run.error),
        "axis": [asdict(tick) for tick in fall.axis.ticks],
        "pauses": [{**asdict(each), "label": each.label} for each in fall.axis.pauses],
        "whole": asdict(fall.whole),
        "rows": step_rows(snapshot, fall, lines, visit, attempts),
        "count": len(snapshot.steps),
        "events": [
            {"id": each.event.id, "name": each.event.name, "source": each.event.source} for each in run.batch[:_BATCH]
        ],
        "batch": len(run.batch),
        "caller": None if calling is None else asdict(calling),
        "lines": [asdict(line) for line in lines],
        "is_log_read": bool(visit.arg("log")),
        "can_read_log": source.read_log is not None,
        "log_link": source.log_link(run.id) if source.log_link is not None and visit.arg("log") else None,
        "cost": asdict(cost_of(snapshot)),
        "cannot": {"cancel": visit.why_not(*CANCEL), "change": visit.why_not(*CHANGE)},
        "failed_steps": [step.key for step in snapshot.steps if step.status is Status.FAILED],
        "is_served": run.function_id in source.functions,
    }
    every = _RUNNING if is_running or source.is_local else None
    every = None if visit.arg("log") else every  # each reading of the log has its price
    title = f"{run.function_id} {run.id[:8]}"
    return Page("run.html", title, "runs", context, every=every, moving=is_running)


def value(visit: Visit, run_id: str) -> Response:
    """Return a value as it is stored: the event's data, an output, or an error's stack."""
    snapshot = _snapshot(visit, run_id)
    what, key = visit.arg("what"), visit.request.args.get("step")
    step = None if key is None else snapshot.step(key)
    if key is not None and step is None:
        raise PageError(404, f"Run {run_id} has no step {key!r}.")
    found = step if step is not None else snapshot.run
    if what == "event":
        return _text(json.dumps(dict(snapshot.run.event.data), indent=2, ensure_ascii=False))
    if what == "stack" and found.error is not None:
        return _text(found.error.stack)
    if what == "output" and found.output is not None:
        return _text(json.dumps(decode(found.output), indent=2, ensure_ascii=False))
    raise PageError(404, f"Run {run_id} has no such value.")


def cancel(visit: Visit, run_id: str) -> Gone:
    """Cancel the run."""
    visit.check(*CANCEL)
    run = _snapshot(visit, run_id).run
    if run.status is not RunStatus.RUNNING:
        raise PageError(409, f"Run {run.id} is already {run.status.value}: there is nothing to cancel.")
    visit.source.lookups.cancel([run.id])
    return Gone(visit.link("runs", run.id), "The run is being cancelled. A step that executes now ends first.")


def retry(visit: Visit, run_id: str) -> Gone:
    """Let a failed run go on."""
    visit.check(*CHANGE)
    run = _snapshot(visit, run_id).run
    done = visit.source.lookups.retry(run.id, visit.given("step") or None)
    if isinstance(done, str):
        raise PageError(409, _sentence(done))
    return Gone(visit.link("runs", run.id), f"The run goes on, in life {done.life}.")


def rerun_form(visit: Visit, run_id: str) -> Page:
    """Ask from which step, and with which data, the run is to start again."""
    snapshot = _snapshot(visit, run_id)
    context = {
        "run": run_page(snapshot),
        "steps": [step.key for step in snapshot.steps],
        "step": visit.arg("step"),
        "data": json.dumps(dict(snapshot.run.event.data), indent=2, ensure_ascii=False),
        "nonce": new_id(),
        "why_not": visit.why_not(*CHANGE),
    }
    return Page("rerun.html", f"Rerun {snapshot.run.id[:8]}", "runs", context)


def rerun(visit: Visit, run_id: str) -> Gone:
    """Start the run again, as a new run."""
    visit.check(*CHANGE)
    snapshot = _snapshot(visit, run_id)
    step, text = visit.given("step") or None, visit.given("data")
    fields = None
    if text.strip():
        data = _object(text)
        fields = None if data == dict(snapshot.run.event.data) else {"data": data}
    done = visit.source.lookups.rerun(snapshot.run.id, visit.given("nonce") or new_id(), step, fields)
    if isinstance(done, str):
        raise PageError(409, _sentence(done))
    return Gone(visit.link("runs", done.id), f"This is the rerun of {snapshot.run.id[:8]}.")


def _snapshot(visit: Visit, run_id: str) -> RunSnapshot:
    found = visit.source.lookups.snapshot(run_id.upper())
    if found is not None:
        return found
    ids = visit.source.lookups.run_ids(visit.source.functions, run_id.upper()) if len(run_id) >= 4 else []
    if len(ids) == 1 and (found := visit.source.lookups.snapshot(ids[0])) is not None:
        return found
    raise PageError(404, f"There is no run {run_id[:80]}. Ended runs are kept for some days, and then removed.")


def _lines(visit: Visit, run: Run) -> Sequence[LogLine]:
    """The lines that the run logged: those that are at hand, or those of AWS if the visitor asks for them."""
    source = visit.source
    if source.read_log is None or not visit.arg("log") or visit.is_from_elsewhere:
        return source.log_lines(run.id)
    until = visit.now if run.ended is None else run.ended + _LATER
    return source.read_log(run.id, run.started - _LATER, until)


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageError(400, f"The data are not JSON: {error}.") from None
    if not isinstance(data, dict):
        raise PageError(400, 'The data of an event are a JSON object, such as {"id": 7}.')
    return data


def _text(text: str) -> Response:
    return Response(text + "\n", mimetype="text/plain")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
