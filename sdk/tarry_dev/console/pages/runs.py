"""The page of runs: a filter in the URL, counts, and what is done to many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.utils import redirect

from tarry.event import new_id
from tarry_backend.clock import now as clock_now
from tarry_backend.model.run import RunStatus
from tarry_dev.console.json_view import one_line_json
from tarry_dev.console.pages.run import CANCEL, CHANGE
from tarry_dev.console.run_search import RunFilter, by_id, search, search_and_count
from tarry_dev.console.source import PageError
from tarry_dev.console.visit import Gone, Page
from tarry_dev.console.words import MARKS, now_words, run_words

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from tarry_backend.model.run import Run
    from tarry_dev.console.visit import Visit

__all__ = ["act", "first", "preview", "show"]

_PAGE = 25

_MANY = 100
"""To how many runs an action is done at once."""

_VERBS = {
    "cancel": ("Cancel", RunStatus.RUNNING, CANCEL, "running"),
    "retry": ("Retry", RunStatus.FAILED, CHANGE, "failed"),
}


def first(visit: Visit) -> Response:
    """Go to the runs."""
    return redirect(visit.link("runs"))


def show(visit: Visit) -> Page | Response:
    """Show the runs that the filter chooses."""
    choice = RunFilter.read(visit.request.args, visit.now)
    source = visit.source
    if len(ids := by_id(choice.text, source)) == 1:
        return redirect(visit.link("runs", ids[0]))
    found, counted, among = search_and_count(choice, source, _PAGE, visit.arg("cursor"))
    context: dict[str, Any] = {
        "choice": choice.fields,
        "query": choice.query,
        "runs": [_row(run, visit) for run in found.runs],
        "following": found.following,
        "looked_at": found.looked_at,
        "unclear": found.unclear,
        "looks_inside": choice.looks_inside,
        "counts": {status.value: counted[status.value] for status in RunStatus},
        "among": among,
        "functions": list(source.functions),
        "is_filtered": bool(choice.query),
        "is_first": not visit.arg("cursor"),
        "example": _example(visit),
        "many": {verb: visit.why_not(*each[2]) for verb, each in _VERBS.items()},
    }
    return Page("runs.html", "Runs", "runs", context, every=visit.refresh())


def preview(visit: Visit) -> Page:
    """Show the runs to which an action would be done, before it is done."""
    verb, runs, following = _chosen(visit, visit.request.args)
    choice = RunFilter.read(visit.request.args, visit.now)
    context = {
        "verb": verb,
        "title": _VERBS[verb][0],
        "kind": _VERBS[verb][3],
        "runs": [_row(run, visit, is_loaded=False) for run in runs],
        "has_more": following is not None,
        "query": choice.query,
        "why_not": visit.why_not(*_VERBS[verb][2]),
        "until": visit.now,
        "most": _MANY,
    }
    return Page("many.html", f"{_VERBS[verb][0]} runs", "runs", context)


def act(visit: Visit) -> Gone:
    """Do it: to the runs that the preview has shown, and to no other."""
    verb = visit.given("verb")
    if verb not in _VERBS:
        raise PageError(400, f"There is no action {verb[:40]!r}.")
    visit.check(*_VERBS[verb][2])
    ids = list(dict.fromkeys(visit.request.form.getlist("run")))[:_MANY]
    if not ids:
        raise PageError(400, "Nothing was done: no run is chosen.")
    lookups, bulk_id = visit.source.lookups, new_id()
    lookups.begin_bulk(bulk_id, f"{verb} from the console", len(ids), clock_now())
    left_out: list[str] = []
    if verb == "cancel":
        lookups.cancel(ids)
    else:
        left_out = [done for run_id in ids if isinstance(done := lookups.retry(run_id), str)]
    lookups.tell_bulk(bulk_id, len(ids), "done")
    done = {"cancel": "are being cancelled", "retry": "go on"}[verb]
    said = f"{len(ids) - len(left_out):,} runs {done}."
    said += f" {len(left_out):,} were left out: {left_out[0]}." if left_out else ""
    return Gone(visit.link("runs", **RunFilter.read(visit.request.form, visit.now).query), said)


def _chosen(visit: Visit, args: Any) -> tuple[str, tuple[Run, ...], str | None]:
    verb = args.get("verb", "")
    if verb not in _VERBS:
        raise PageError(400, f"There is no action {verb[:40]!r}.")
    only = {**{name: args.get(name, "") for name in args}, "status": _VERBS[verb][1].value}
    found = search(RunFilter.read(only, visit.now), visit.source, _MANY)
    return verb, found.runs, found.following


def _row(run: Run, visit: Visit, *, is_loaded: bool = True) -> dict[str, Any]:
    """What a list shows of a run. The steps of one that runs are read too, if ``is_loaded``."""
    state = run_words(run)
    snapshot = visit.source.lookups.snapshot(run.id) if is_loaded and run.status is RunStatus.RUNNING else None
    if snapshot is not None:
        state = "; ".join(now_words(snapshot, visit.now, None)) or run_words(snapshot.run)
        run = snapshot.run
    return {
        "id": run.id,
        "function": run.function_id,
        "status": run.status.value,
        "sign": MARKS[run.status.value],
        "event": run.event.name,
        "data": one_line_json(dict(run.event.data), 90),
        "started": run.started,
        "ended": run.ended,
        "state": state,
        "life": run.life,
    }


def _example(visit: Visit) -> str | None:
    """The name of an event that starts a function, for a page without runs."""
    names = [trigger.event for each in visit.source.deployment.facts for trigger in each.triggers]
    return next((name for name in names if not name.endswith("*")), None)
