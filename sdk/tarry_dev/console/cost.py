"""An estimate of what a run has cost on AWS: the prices of docs/cost.md, by what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import Status

if TYPE_CHECKING:
    from tarry_backend.model.run import RunSnapshot

__all__ = ["PRICES", "Cost", "cost_of"]

PRICES = {
    "events put on the bus": 3.47,
    "runs started": 3.07,
    "steps": 0.72,
    "waits opened": 4.17,
    "resumes": 4.81,
    "timeouts": 7.86,
    "ends of runs that nothing hears": 1.63,
    "announced ends": 4.49,
}
"""USD for a million of each, alone, as on a quiet system: the rows of docs/cost.md that begin so."""

_EVENT, _START, _STEP, _WAIT, _RESUME, _TIMEOUT, _END, _ANNOUNCED = PRICES.values()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a million runs like this one cost, in USD, and of what that is made."""

    million: float
    parts: tuple[tuple[str, float], ...]


def cost_of(snapshot: RunSnapshot) -> Cost:
    """Return the estimate. The time that your steps' own code takes is not in it."""
    steps = snapshot.steps
    listening = [step for step in steps if step.wait is not None or step.signal is not None]
    timers = [step for step in steps if step.kind == "sleep"]
    resumed = [step for step in listening if step.status is Status.DONE and _came(step.wait, step.signal)]
    timed_out = [step for step in listening if step.status is Status.DONE and step not in resumed]
    status = snapshot.run.status
    end = {RunStatus.RUNNING: 0.0, RunStatus.FINISHED: _END}.get(status, _ANNOUNCED)
    ended = len(timed_out) + len(timers)
    parts = [
        ("its event and its start", _EVENT + _START),
        (_count(len(steps) - len(listening), "step"), _STEP * (len(steps) - len(listening))),
        (_count(len(listening), "wait"), _WAIT * len(listening)),
        (_count(len(resumed), "resume"), _RESUME * len(resumed)),
        (_count(ended, "timer"), _TIMEOUT * ended),
        ("its end", end),
    ]
    shown = tuple((what, price) for what, price in parts if price)
    return Cost(sum(price for _, price in shown), shown)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _came(wait: object, signal: object) -> bool:
    return getattr(wait, "resolved_by", None) is not None or getattr(signal, "sent_id", None) is not None
