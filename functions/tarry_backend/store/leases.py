"""Leases: how long time to live leaves the steps of a run.

Open steps never expire. A step is written once more when it ends, and this write gives it its lease. So a run that ends
within days writes none of its steps again:

    step ended ──────── 15 days: LIFE ──────── 30 days: REST ──────── may be removed
         run ended ──── 30 days (``run_days``), at least ────────────────┘

While a run lives, each of its ended steps has a lease until ``REST`` after the time at which the run goes on by itself.
If a lease is too short for that, the executor writes the step without any *before* it writes what lasts so long:

    step ended (lease: day 45)      lease removed ── wait written (until day 366)
         next steps                                        end without a lease, while the wait is open

So a step is written again once, by a run that waits or lives for more than ``LIFE``, and once more at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step

__all__ = ["EXPIRED_ERROR", "HELD", "LIFE", "REST", "Leases", "has_expired", "may_lack_steps", "needs_hold"]

EXPIRED_ERROR = "RunExpiredError"
"""The name of the error of a run that the executor failed since time to live may have removed steps of it."""

_DAY = 86_400_000

LIFE = 15 * _DAY
"""For how long, in milliseconds, a run may live after a step's end until the step's lease is too short for it."""

REST = 30 * _DAY
"""How late, in milliseconds, a run may be: how much longer its steps are stored than until it is due.

Dead letters stay for half as long, and the sweep brings up what is due each day.
"""

HELD = 10 * _DAY
"""After how long, in milliseconds, an executor sees to the leases of a run that stands in the line of a gate."""

_SLACK = _DAY
"""By how much clocks may differ, and how long an invocation lasts, in milliseconds: much more than either."""

_LAST_DAYS = 7
"""How many days a run's own item outlives its steps.

Time to live removes items in any order, within days of their expiry. While the run's item is there, the run's event
starts no second run, which would meet the steps of the first:

    ended ──── run_days ──── LIFE ──── the last step expires ── 2 days: is removed ──── the run's item expires
"""


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of steps. ``days`` is how long runs are stored after their end. Expiries are Unix seconds."""

    days: int

    def of(self, moment: int, until: int) -> int | None:
        """Return the expiry of a step that ends now, in a run that goes on at ``until``; ``None`` if that is far."""
        return None if until > moment + LIFE else (moment + LIFE + max(REST, self.days * _DAY)) // 1000

    def short(self, steps: Iterable[Step], until: int) -> list[Step]:
        """Return the ended steps whose lease is too short for a run that goes on at ``until``."""
        return [step for step in steps if step.expires is not None and self.is_short(step.expires, until)]

    def is_short(self, expires: int, until: int) -> bool:
        """Return whether that expiry is too early for a run that goes on at ``until``."""
        return expires * 1000 < until + REST

    def is_kept(self, expires: int | None, ended: int) -> bool:
        """Return whether a step is stored for ``days`` after its run's end, and not much longer."""
        least = self.after_end(ended)
        return expires is not None and least <= expires <= least + (LIFE + _SLACK) // 1000

    def after_end(self, ended: int) -> int:
        """Return the expiry of what is written after the run has ended."""
        return (ended + self.days * _DAY) // 1000

    def removed_from(self, run: Run) -> int | None:
        """Return from when on time to live may remove steps of the run (Unix milliseconds); ``None`` if it goes on.

        A retry makes the run running at once, but only the executor gives its steps new leases. Until then they have
        those of the life before:

            failed ──────── retried: running ┄┄┄┄┄ executor: new leases ── the run goes on
               └──── ``days``, at least ───────────────────────────────────────────────────── may be removed
        """
        ended = run.ended if run.revival is None else run.revival.ended
        return None if ended is None else self.after_end(ended) * 1000

    def of_run(self, ended: int) -> int:
        """Return the expiry of the run's own item."""
        return self.after_end(ended) + LIFE // 1000 + _LAST_DAYS * 86_400


def has_expired(run: Run) -> bool:
    """Return whether the executor failed the run for that reason: an error of the user's code has ``kinds``."""
    return run.error is not None and run.error.name == EXPIRED_ERROR and not run.error.kinds


def may_lack_steps(snapshot: RunSnapshot, moment: int) -> bool:
    """Return whether time to live may have removed steps of this run, though it has not ended.

    The run is so late that leases have run out: no executor has worked on it for weeks. Its open steps are all there,
    since they never expire, so they say until when the leases last at least.

        step ended ── wait open ──── due ──── REST ──── from here on it may lack steps

    The leases of a retried run are as old as its life: each step got a new one before it began.

        step ended ──── weeks ──── failed ──── weeks ──── retried: new leases ──── REST ──── from here on

    A run in the line of a gate may stand there for longer. Every ten days an executor sees to its leases:

        step ended ── in line ── HELD ── held: longer leases ── HELD ── held ── … ── admitted
    """
    return moment >= _latest(snapshot) + REST - _SLACK


def needs_hold(snapshot: RunSnapshot, moment: int) -> bool:
    """Return whether a run that waits in line has to note that its leases have been seen to."""
    return moment >= _latest(snapshot) + HELD - _SLACK


def _latest(snapshot: RunSnapshot) -> int:
    """Return from when on the leases last for ``REST``, at least."""
    begins = snapshot.run.past_lives[-1].retried if snapshot.run.past_lives else snapshot.run.started
    latest = max((max(step.began, step.ended or 0) for step in snapshot.parts), default=0)
    return max(begins, latest, snapshot.until, snapshot.run.held or 0)
