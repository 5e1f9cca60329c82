"""The page of functions: what starts them, how their newest runs went, and what holds them back."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry_backend.matching.gate_keys import gates_of, pause_gate
from tarry_backend.model.control import COUNTED
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.function_control import check_control
from tarry_dev.console.limits import given_limit, given_option, limit_rows
from tarry_dev.console.source import PageError
from tarry_dev.console.times import clock_time
from tarry_dev.console.visit import Gone, Page
from tarry_dev.queue_words import queue_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry import Concurrency
    from tarry_backend.model.run import Run
    from tarry_dev.console.visit import Visit

__all__ = ["control", "show"]

_NEWEST = 100
"""From how many of a function's newest runs its figures are."""

_LAST = "\U0010ffff"
"""A place behind all places in a line."""

CONTROL = ("dynamodb:UpdateItem",)


def show(visit: Visit) -> Page:
    """Show the app's functions."""
    waiting = visit.source.lookups.queue_lengths()
    rows = [
        {**_row(each, visit), "waiting": queue_words(waiting.get(each, ()), lambda ms: clock_time(ms, visit.now))}
        for each in visit.source.functions
    ]
    context = {"rows": rows, "newest": _NEWEST, "why_not": visit.why_not(*CONTROL)}
    return Page("functions.html", "Functions", "functions", context, every=visit.refresh(), moving=True)


def control(visit: Visit) -> Gone:
    """Pause a function, let it go on, or give it another limit."""
    visit.check(*CONTROL)
    function_id, what = visit.given("function"), visit.given("do")
    lookups = visit.source.lookups
    of = given_option(visit.given("of") or "concurrency") if what == "limit" else None
    check_control(function_id, visit.source.functions, visit.source.facts(function_id), limit=of)
    if what == "pause":
        lookups.pause(function_id)
        said = f"{function_id} pauses within ten seconds. Its runs wait, and none is lost."
    elif what == "drain":
        lookups.drain(function_id)
        said = f"{function_id} drains: within ten seconds it starts no more runs, and those that it has finish."
    elif what == "resume":
        lookups.resume(function_id)
        said = f"{function_id} goes on within half a minute, the earliest runs first."
    elif of is not None:
        limit = given_limit(visit.given("limit"))
        lookups.limit(function_id, limit, of)
        option = "" if of == "concurrency" else f" of its {of}"
        said = f"{function_id} has {'the limit of its code' if limit is None else f'the limit {limit}'}{option}."
    else:
        raise PageError(400, f"There is no action {what[:40]!r}.")
    return Gone(visit.link("functions"), said)


def _row(function_id: str, visit: Visit) -> dict[str, Any]:
    source = visit.source
    facts, limits = source.facts(function_id), source.limits(function_id)
    runs = _newest(function_id, visit)
    done = sorted(run.ended - run.started for run in runs if run.status is RunStatus.FINISHED and run.ended is not None)
    is_pausable = facts is not None and facts.is_pausable
    told = source.lookups.control(function_id) if is_pausable else None
    failed = [run for run in runs if run.status is RunStatus.FAILED]
    return {
        "id": function_id,
        "triggers": [] if facts is None else [list(trigger) for trigger in facts.triggers],
        "cancels": [] if facts is None else list(facts.cancels),
        "attempts": None if facts is None else facts.attempts,
        "limits": [] if facts is None else list(limit_rows(facts, told)),
        "paused": None if told is None else told.paused,
        "draining": None if told is None else told.draining,
        "held_back": _held_back(function_id, limits, visit) if is_pausable else None,
        "is_controlled": is_pausable,
        "runs": len(runs),
        "is_cut": len(runs) == _NEWEST,
        "rate": _rate(runs, visit.now),
        "running": sum(run.status is RunStatus.RUNNING for run in runs),
        "failed": len(failed),
        "last_failed": failed[0].id if failed else None,
        "p50": _quantile(done, 0.5),
        "p95": _quantile(done, 0.95),
        "versions": list(dict.fromkeys(run.version for run in runs if run.version))[:5],
        "newest": runs[0].started if runs else None,
    }


def _held_back(function_id: str, limits: Sequence[Concurrency], visit: Visit) -> int:
    """How many runs wait at the gates that all runs of the function pass.

    A limit for each value of a key has a gate for each of them, and no list of these: the page of a run shows its own.
    """
    shared = [limit for limit in limits if limit.key is None]
    nothing = Event("", {})
    names = {gate.name for gate in gates_of(function_id, shared, nothing, visit.now)} | {pause_gate(function_id)}
    return sum(visit.source.lookups.store.gates.before(name, _LAST, COUNTED) for name in sorted(names))


def _newest(function_id: str, visit: Visit) -> list[Run]:
    """The newest runs, the latest first."""
    store = visit.source.lookups.store
    places = store.queries.run_keys([function_id], tuple(RunStatus), _NEWEST, None)
    runs = store.runs.some([run_id for (_, run_id), _ in islice(places, _NEWEST)])
    return sorted(runs.values(), key=lambda run: run.started, reverse=True)


def _rate(runs: Sequence[Run], now: int) -> float | None:
    """How many runs began in an hour, over the time of these runs; ``None`` for too few."""
    if len(runs) < 2:
        return None
    return len(runs) / max((now - runs[-1].started) / 3_600_000, 1 / 60)


def _quantile(spans: Sequence[int], part: float) -> int | None:
    return spans[min(len(spans) - 1, int(part * len(spans)))] if spans else None
