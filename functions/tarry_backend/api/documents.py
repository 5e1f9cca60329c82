"""What commands with ``--json`` write, and the HTTP API answers. These keys are kept stable; new ones may come.

Times are ISO 8601 in UTC; a year past 9999 has a sign and six digits. Outputs and data are JSON values. An infinite
number is the text ``Infinity``. What is not there is ``null``.

event   id, name, data, ts, user, source
run     id, function, status, started, version (of the code with which it began), due (an attempt), ended, event,
        batch (the ids of all its events, if it is one), output, error, cancelled (reason, by: an event),
        open (steps), life (from 1), rerun_of (run, from),
        continues (run: the one before, first, number: from 2) and continued_as (a run id) of a chain, and in
        ``tarry run`` steps and guards (what ends it from outside, as steps), past_lives (life, ended,
        error, retried, from) and past_steps (steps that a retry has dropped, each with its life), held_back (it waits
        for its turn: since, before (runs, 1,000 at most), paused (since when its function is), after (the run
        of its singleton that has to end first), begins (the time that a throttle has given it))
step    id, kind, status, began, ended, attempt, due, output, error, wait, signal, invoked (function,
        run)
wait    event, expression, since, deadline, resolved_by (an event), timed_out, note
signal  signal (its name), deadline, id (of the one that came), timed_out
receipt status, id, run, kept_until: of a signal
        event, started (run, function, status), unstarted (function, reason, decided, free (from when on an event
        starts a run again), by (a run)), resumed, cancelled (run, step), pending (run, function, step), missed
        (run, function, step, reason, expression, conjuncts, apart (milliseconds), detail), misses, whole, near: of an
        event
near    waits (run, function, step, expression, conjuncts, early (milliseconds)), unmatched (their number), triggers
        (function, trigger, expression, conjuncts), whole, listened, similar (names)
conjunct text, holds (null: it cannot be evaluated), problem, values (text, value, type): values are texts, cut
error   name, message, stack, version (of the code that ran then)
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry_backend.model.moment import iso
from tarry_backend.model.step import END_OF_TIME, Status

if TYPE_CHECKING:
    from tarry import Event, SignalReceipt
    from tarry_backend.api.near_misses import NearMisses
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.matching import Conjunct
    from tarry_backend.model.control import HeldBack
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.replay import Failure, Step, Wait

__all__ = [
    "Document",
    "event_document",
    "event_receipt_document",
    "finite",
    "iso",
    "open_wait_document",
    "receipt_document",
    "received_document",
    "run_document",
    "run_page",
]

Document = dict[str, Any]


def finite(value: Any) -> Any:
    """Return the document as JSON can carry it: an infinite number, or what is none, becomes its name as text.

    An event from elsewhere may hold ``1e400``, which Python reads as infinity. JSON has no form for that.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def run_document(snapshot: RunSnapshot) -> Document:
    """A run as ``tarry runs`` lists it, with the steps at which it is."""
    run = snapshot.run
    return {
        "id": run.id,
        "function": run.function_id,
        "status": run.status.value,
        "started": iso(run.started),
        "version": run.version,
        "due": iso(run.due),
        "ended": iso(run.ended),
        "event": event_document(run.event),
        **({"batch": [each.id for each in run.events]} if run.batch else {}),
        "output": _value(run.output),
        "error": _error(run.error),
        "cancelled": _cancellation(run),
        "open": [_step(step) for step in snapshot.steps if step.is_open],
        "life": run.life,
        "rerun_of": None if run.origin is None else {"run": run.origin.run_id, "from": run.origin.step},
        "continues": _chain(run),
        "continued_as": run.successor,
    }


def run_page(snapshot: RunSnapshot, held: HeldBack | None = None) -> Document:
    """A run as ``tarry run`` shows it, with all of its steps."""
    steps, guards = ([_step(step) for step in parts] for parts in (snapshot.steps, snapshot.guards))
    lives = [
        {"life": life, "ended": iso(each.ended), "error": each.error, "retried": iso(each.retried), "from": each.step}
        for life, each in enumerate(snapshot.run.past_lives, start=snapshot.run.life - len(snapshot.run.past_lives))
    ]
    past = [{"life": each.life, **_step(each.step)} for each in snapshot.past]
    page = {"steps": steps, "guards": guards, "past_lives": lives, "past_steps": past}
    return {**run_document(snapshot), "held_back": _held_back(held), **page}


def _held_back(held: HeldBack | None) -> Document | None:
    return (
        None
        if held is None
        else {
            "since": iso(held.since),
            "before": held.before,
            "paused": iso(held.paused),
            "after": held.after,
            "begins": iso(held.begins),
        }
    )


def open_wait_document(run: Run, step: Step) -> Document:
    """An open wait, for an event or a signal: that of its step, with the run that waits."""
    return {"run": run.id, "function": run.function_id, "step": step.key, **(_wait(step) or _signal(step) or {})}


def receipt_document(receipt: SignalReceipt) -> Document:
    """Return the receipt of a signal's sender."""
    until = receipt.kept_until
    return {
        "status": receipt.status.value,
        "id": receipt.id,
        "run": receipt.run_id,
        "kept_until": iso(None if until is None else round(until.timestamp() * 1000)),
    }


def event_receipt_document(receipt: Receipt) -> Document:
    """What an event did, and missed."""
    started = (each.run for each in receipt.started)
    return {
        "event": received_document(receipt.received),
        "started": [{"run": run.id, "function": run.function_id, "status": run.status.value} for run in started],
        "unstarted": [
            {
                "function": each.function_id,
                "reason": each.why.value,
                "decided": iso(each.moment),
                "free": iso(each.free_at),
                "by": each.by,
            }
            for each in receipt.unstarted
        ],
        "resumed": [{"run": run_id, "step": step} for run_id, step in receipt.resumed],
        "cancelled": [{"run": run_id, "step": step} for run_id, step in receipt.cancelled],
        "pending": [_waiting(each.run, each.step_key) for each in receipt.pending],
        "missed": [
            {
                **_waiting(miss.run, miss.step_key),
                "reason": miss.why.value,
                "expression": miss.expression,
                "conjuncts": [_conjunct(each) for each in miss.conjuncts],
                "apart": miss.apart,
                "detail": miss.detail,
            }
            for miss in receipt.missed
        ],
        "misses": receipt.misses,
        "whole": receipt.is_whole,
        "near": _near(receipt.near),
    }


def received_document(received: ReceivedEvent) -> Document:
    """An event in the log."""
    return {"received": iso(received.received_at), **event_document(received.event)}


def event_document(event: Event) -> Document:
    """An event."""
    return {**asdict(event), "ts": iso(event.ts)}


def _near(near: NearMisses) -> Document:
    return {
        "waits": [
            {
                **_waiting(miss.run, miss.step_key),
                "expression": miss.expression,
                "conjuncts": [_conjunct(each) for each in miss.conjuncts],
                "early": miss.early,
            }
            for miss in near.waits
        ],
        "unmatched": near.unmatched,
        "triggers": [
            {
                "function": each.function_id,
                "trigger": each.trigger,
                "expression": each.expression,
                "conjuncts": [_conjunct(conjunct) for conjunct in each.conjuncts],
            }
            for each in near.triggers
        ],
        "whole": near.is_whole,
        "listened": near.is_listened,
        "similar": list(near.similar),
    }


def _conjunct(conjunct: Conjunct) -> Document:
    values = [asdict(operand) for operand in conjunct.operands]
    return {"text": conjunct.text, "holds": conjunct.holds, "problem": conjunct.problem or None, "values": values}


def _waiting(run: Run, step_key: str | None) -> Document:
    return {"run": run.id, "function": run.function_id, "step": step_key}


def _step(step: Step) -> Document:
    return {
        "id": step.key,
        "kind": step.kind,
        "status": step.status.value,
        "began": iso(step.began),
        "ended": iso(step.ended),
        "attempt": step.attempt,
        "due": None if step.status is Status.WITHDRAWN else iso(step.due),
        "output": None if step.wait else _value(step.output),
        "error": _error(step.error),
        "wait": _wait(step),
        "invoked": {"function": run.function_id, "run": run.run_id} if (run := step.invocation) else None,
        "signal": _signal(step),
    }


def _chain(run: Run) -> Document | None:
    chain = run.chain
    return None if chain is None else {"run": chain.previous, "first": chain.first, "number": chain.number}


def _cancellation(run: Run) -> Document | None:
    why = run.cancellation
    return None if why is None else {"reason": why.reason.value, "by": why.cancelled_by}


def _wait(step: Step) -> Document | None:
    wait = step.wait
    if wait is None:
        return None
    event = _value(step.output)
    return {
        **_awaited(wait),
        "others": [_awaited(other) for other in wait.others],
        "deadline": None if wait.deadline == END_OF_TIME else iso(wait.deadline),
        "resolved_by": None if event is None else {**event, "ts": iso(event["ts"])},
        "timed_out": step.status.value == "done" and wait.resolved_by is None,
    }


def _awaited(wait: Wait) -> Document:
    return {
        "event": wait.event_name,
        "expression": wait.condition,
        "since": iso(wait.since.received_at),
        "note": wait.note,
    }


def _signal(step: Step) -> Document | None:
    signal = step.signal
    if signal is None:
        return None
    return {
        "signal": signal.name,
        "deadline": iso(step.due),
        "id": signal.sent_id,
        "timed_out": step.status.value == "done" and signal.sent_id is None,
    }


def _error(error: Failure | None) -> Document | None:
    return None if error is None else {**error.document(), "version": error.version}


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
