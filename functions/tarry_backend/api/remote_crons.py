"""The crons of remote apps: the minute sweep puts their events on the bus. Other crons have EventBridge Scheduler."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tarry import Event
from tarry.triggers import TriggerCron
from tarry_backend.clock import now
from tarry_backend.events.address import SCHEDULED
from tarry_backend.events.cron_times import due_times
from tarry_backend.events.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry._wire.bus import EventBus
    from tarry_backend.remote.directory import Directory
    from tarry_backend.store.remote_apps import RemoteApps

__all__ = ["fire_crons"]

_MOST = 86_400_000
"""How far back, in milliseconds, the sweep makes good for times at which no sweep ran."""


def fire_crons(directory: Directory, apps: RemoteApps, bus: EventBus) -> int:
    """Put the events of the times that have come since the last sweep; return their number.

    The event's id comes from its time, so two sweeps for the same time start one run:

        sweep 1    events ── dies                                 (the cursor is where it was)
        sweep 2                      the same events, and later ones ── cursor
    """
    moment = now()
    since = max(apps.cron_cursor(moment), moment - _MOST)
    events = [
        replace(_event(schedule, time), ts=moment)
        for schedule, synced in _schedules(directory)
        for time in due_times(schedule, max(since, synced), moment)
    ]
    bus.send_internal(events)
    apps.move_cron_cursor(moment)
    return len(events)


def _schedules(directory: Directory) -> Iterator[tuple[Schedule, int]]:
    for function, synced in directory.crons():
        for place, trigger in enumerate(function.triggers):
            if isinstance(trigger, TriggerCron):
                yield Schedule(function.id, place, trigger), synced


def _event(schedule: Schedule, time: int) -> Event:
    detail = schedule.detail(f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}")
    return Event(SCHEDULED, detail["data"], detail["id"])
