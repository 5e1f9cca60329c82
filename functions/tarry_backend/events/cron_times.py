"""The times of a cron, as the sweep and the embedded cloud reckon them."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry import TriggerCron
    from tarry_backend.events.schedules import Schedule

__all__ = ["due_times", "spread_of", "times_after"]


def times_after(trigger: TriggerCron, moment: int) -> Iterator[int]:
    """The trigger's times after ``moment``, in Unix milliseconds: each time of the clock on the wall once, but for
    those that it leaves out when it is put forward."""
    zone = ZoneInfo(trigger.timezone)
    day = datetime.fromtimestamp(moment / 1000, zone).date() - timedelta(days=1)
    while True:
        if trigger.times.on(day):
            for hour in trigger.times.hours:
                for minute in trigger.times.minutes:
                    wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    time = int(wall.timestamp()) * 1000
                    if time > moment and datetime.fromtimestamp(time / 1000, zone) == wall:
                        yield time
        day += timedelta(days=1)


def spread_of(schedule: Schedule, time: int) -> int:
    """By how many milliseconds the schedule fires later than one of its times: its jitter, always the same."""
    spread = schedule.trigger.window * 60_000
    jitter = zlib.crc32(f"{schedule.function_id}-{schedule.place}-{time}".encode())
    return jitter % spread if spread else 0


def due_times(schedule: Schedule, since: int, until: int) -> Iterator[int]:
    """Yield the times for which the schedule fires in ``(since, until]``."""
    for time in times_after(schedule.trigger, since - schedule.trigger.window * 60_000):
        if time > until:
            return
        if since < time + spread_of(schedule, time) <= until:
            yield time
