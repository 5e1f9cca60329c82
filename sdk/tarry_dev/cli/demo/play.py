"""Plays a script of events to an app on an embedded cloud, and reads from the store what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.durations import MAX_DURATION
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, MovedClock
from tarry_dev.event_file import Advance, Put, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tarry import App
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.event_file import Line

__all__ = ["Play", "play"]

_MOST = 100_000
_PER_REQUEST = 10
_OWN = "tarry/"


@dataclass(frozen=True, slots=True)
class Play:
    """What the store holds in the end: the events that were sent, and the runs in the order of those they began with.

    ``began`` and ``ended`` are times of the moved clock (Unix milliseconds), ``seconds`` the real ones.
    """

    snapshots: tuple[RunSnapshot, ...]
    events: tuple[ReceivedEvent, ...]
    began: int
    ended: int
    seconds: float


def play(app: App, script: Sequence[Line]) -> Play:
    """Sends the script's entries through the bus, one after the other, and lets time pass as it says.

    After the last line time goes on until all runs have ended, or 366 days, the longest wait, are over.
    """
    start = time.monotonic()
    with Cloud(app, clock=_clock(script)) as cloud:
        began = cloud.clock.now()
        for batch in _batches(script):
            _do(cloud, batch)
        _finish(cloud)
        store, ended = runtime().store, cloud.clock.now()
        newest = store.queries.newest_runs(app.functions, limit=_MOST)
        logged = store.queries.events(None, began - 1, ended)
        events = tuple(each for each in logged if not each.event.name.startswith(_OWN))
    # Not by their starts: on AWS runs start side by side, so they may overtake each other.
    snapshots = sorted(newest, key=lambda snapshot: (snapshot.run.received_at, snapshot.run.started, snapshot.run.id))
    return Play(tuple(snapshots), events, began, ended, time.monotonic() - start)


def _clock(script: Sequence[Line]) -> MovedClock:
    first = script[0]
    return MovedClock(first.time) if isinstance(first, Put) and first.time else MovedClock()


def _batches(script: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines that go in one request: up to ten on end of one name. What any line leads to has happened before the
    next batch goes: a file tells a story."""
    batch: list[Line] = []
    for line in script:
        if batch and not (len(batch) < _PER_REQUEST and _go_together(batch[-1], line)):
            yield batch
            batch = []
        batch.append(line)
    yield batch


def _go_together(line: Line, following: Line) -> bool:
    if isinstance(line, Advance) or isinstance(following, Advance) or type(line) is not type(following):
        return False
    return following.name == line.name and following.time is None


def _do(cloud: Cloud, batch: Sequence[Line]) -> None:
    first = batch[0]
    if isinstance(first, Advance):
        cloud.advance(first.milliseconds)
        return
    if first.time is not None:
        _pass_until(cloud, int(first.time.timestamp() * 1000))
    if isinstance(first, Sent):
        cloud.send([line.event for line in batch if isinstance(line, Sent)])
    else:
        cloud.put_events([line.entry for line in batch if isinstance(line, Put)])
    cloud.pump()


def _pass_until(cloud: Cloud, moment: int) -> None:
    while (ahead := moment - cloud.clock.now()) > 0:
        cloud.advance(min(ahead, MAX_DURATION))


def _finish(cloud: Cloud) -> None:
    last = cloud.clock.now() + MAX_DURATION
    while _runs_go_on(cloud) and (moment := cloud.next_moment) is not None and moment <= last:
        cloud.advance(moment - cloud.clock.now())


def _runs_go_on(cloud: Cloud) -> bool:
    queries = runtime().store.queries
    return bool(queries.newest_runs(cloud.app.functions, [RunStatus.RUNNING], limit=1))
