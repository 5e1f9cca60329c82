"""The schedules that start functions at the times of their crons.

A deployed app has them in EventBridge Scheduler; the embedded cloud runs them itself. Both put the same events on the
bus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry._wire.bus import ENVELOPE_VERSION
from tarry.triggers import TriggerCron
from tarry_backend.events.address import ADDRESS, FUNCTION, short_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tarry import App

__all__ = ["Schedule", "schedules_of"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one function. ``place`` is its trigger's index in the function's triggers, from 0."""

    function_id: str
    place: int
    trigger: TriggerCron

    @property
    def name(self) -> str:
        """The schedule's name: letters, digits, ``.``, ``_`` and ``-``."""
        return f"{short_id(self.function_id)}-{self.place}"

    def detail(self, scheduled_for: str) -> dict[str, Any]:
        """Return the detail of the event for a time: an envelope without a time of its own.

        A schedule may deliver twice. A cron with both day fields has two schedules, which may share a time. The id
        depends on the time alone, so the event starts the function once.
        """
        data = {"cron": self.trigger.cron, "scheduled_for": scheduled_for, ADDRESS: {FUNCTION: self.function_id}}
        return {"v": ENVELOPE_VERSION, "id": f"{self.name}-{scheduled_for}", "data": data}

    def expressions(self) -> list[str]:
        """Return the cron in EventBridge Scheduler's form.

        The Scheduler has no day that either of two fields matches, so a cron with both needs two expressions.
        """
        times = self.trigger.times
        clock = f"{_written(times.minutes, 60)} {_written(times.hours, 24)}"
        months = _written(times.months, 12)
        by_day = [] if times.days is None else [f"cron({clock} {_written(times.days, 31)} {months} ? *)"]
        if times.weekdays is not None:
            by_day.append(f"cron({clock} ? {months} {_written([day + 1 for day in times.weekdays], 7)} *)")
        return by_day or [f"cron({clock} * {months} ? *)"]


def schedules_of(app: App) -> Iterator[Schedule]:
    """Yield an app's schedules, one for each cron of each function."""
    for function in app.functions.values():
        for place, trigger in enumerate(function.triggers):
            if isinstance(trigger, TriggerCron):
                yield Schedule(function.id, place, trigger)


def _written(values: Sequence[int], all_of_them: int) -> str:
    """Return the values as a cron's text, three or more consecutive ones as a range: any cron fits 256 characters."""
    if len(values) == all_of_them:
        return "*"
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
