"""The schedules of the embedded cloud: at the times of an app's crons they put events on its bus."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._wire.bus import source_of
from tarry_backend.events.address import SCHEDULED
from tarry_backend.events.cron_times import spread_of, times_after
from tarry_backend.events.schedules import Schedule, schedules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry import App
    from tarry_dev.cloud.clock import Clock

__all__ = ["Schedules", "times_after"]


class Schedules:
    """Those of the functions that the app has by now. One begins when it is first asked for, so it has no time before.

    ``put`` puts EventBridge entries on the bus. What was missed because the process was asleep comes once, late.
    """

    def __init__(self, app: App, clock: Clock, put: Callable[[Sequence[Any]], object]) -> None:
        self._app = app
        self._clock = clock
        self._put = put
        self._next: dict[Schedule, tuple[int, int]] = {}

    @property
    def next_moment(self) -> int | None:
        """When the next one fires, in Unix milliseconds; None if there are none."""
        return min((moment for moment, _ in self._upcoming().values()), default=None)

    def run(self) -> None:
        """Fires what is due by now."""
        now = self._clock.now()
        for schedule, (moment, time) in self._upcoming().items():
            if moment <= now:
                self._next[schedule] = _following(schedule, now, time)
                self._put([self._entry(schedule, time)])

    def _upcoming(self) -> dict[Schedule, tuple[int, int]]:
        """By schedule when it fires next, and for what time."""
        schedules = list(schedules_of(self._app))
        if schedules:
            now = self._clock.now()
            self._next = {each: self._next.get(each) or _following(each, now, now) for each in schedules}
        return self._next

    def _entry(self, schedule: Schedule, time: int) -> dict[str, str]:
        detail = schedule.detail(f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}")
        return {"Source": source_of(self._app.id), "DetailType": SCHEDULED, "Detail": json.dumps(detail)}


def _following(schedule: Schedule, now: int, time: int) -> tuple[int, int]:
    """When it fires after ``now``, and for which time after ``time``: that later by as much as its jitter gives it."""
    for following in times_after(schedule.trigger, time):
        moment = following + spread_of(schedule, following)
        if moment > now:
            return moment, following
    raise AssertionError("a cron that never comes is refused when it is made")
