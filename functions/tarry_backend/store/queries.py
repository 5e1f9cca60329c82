"""The lookups for people: runs by status and start, a run by the beginning of its id, open waits, events.

All lookups use the indexes, so their results may be some seconds old. A run's page is read from the run itself.
"""

from __future__ import annotations

import heapq
from itertools import groupby, islice
from typing import TYPE_CHECKING

from tarry_backend.model.position import Position
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import END_OF_TIME
from tarry_backend.store.due_index import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_backend.store.due_index import Dues
    from tarry_backend.store.event_names import Names
    from tarry_backend.store.log import EventLog
    from tarry_backend.store.run_index import StartedRuns
    from tarry_backend.store.runs import Runs

__all__ = ["DUES_LOOKED_THROUGH", "LOOKED_THROUGH", "RUNS_LOOKED_THROUGH", "Queries"]

LOOKED_THROUGH = 10_000
"""Among how many runs, the newest of each function, a lookup by the beginning of an id searches."""

RUNS_LOOKED_THROUGH = 10_000
"""Among how many runs a page of a list searches for those of a status."""

DUES_LOOKED_THROUGH = 10_000
"""Among how many sleeps, retries and deadlines, the nearest ones, the lookup of open waits searches."""

_PAGE = 250


class Queries:
    """The lookups for people, in one store."""

    def __init__(self, runs: Runs, started: StartedRuns, log: EventLog, names: Names, dues: Dues) -> None:
        self._runs = runs
        self._started = started
        self._log = log
        self._names = names
        self._dues = dues

    def newest_runs(
        self, functions: Iterable[str], statuses: Iterable[RunStatus] = tuple(RunStatus), limit: int = 20
    ) -> list[RunSnapshot]:
        """Return the newest runs of these functions with one of these statuses, newest first, with their steps."""
        statuses = tuple(statuses)
        loaded = (self._runs.load(run_id) for _, run_id in self._started.newest(functions, statuses, limit))
        wanted = (each for each in loaded if each is not None and each.run.status in statuses)
        return list(islice(wanted, limit))

    def run_ids(self, functions: Iterable[str], prefix: str) -> list[str]:
        """Return the ids with that prefix among the newest ``LOOKED_THROUGH`` runs of each function."""
        found: set[str] = set()
        for function_id in functions:
            keys = self._started.newest([function_id], tuple(RunStatus), LOOKED_THROUGH)
            found |= {run_id for _, run_id in islice(keys, LOOKED_THROUGH) if run_id.startswith(prefix)}
        return sorted(found)

    def run_keys(
        self, functions: Iterable[str], statuses: Iterable[RunStatus], page: int, before: tuple[int, str] | None
    ) -> Iterator[tuple[tuple[int, str], bool]]:
        """Yield starts and ids of the runs behind the place ``before``, the latest first; ``page`` are read at once.

        Each comes with whether its run has one of the statuses. At most ``RUNS_LOOKED_THROUGH``: the next call goes on
        from the last place.
        """
        return islice(self._started.before(functions, tuple(statuses), page, before), RUNS_LOOKED_THROUGH)

    def running(self, function_id: str, since: int, until: int) -> Iterator[str]:
        """Return the ids of the function's open runs that began in ``[since, until]``, the first one first."""
        return (run_id for _, run_id in self._started.between(function_id, RunStatus.RUNNING, since, until))

    def started(
        self, function_id: str, statuses: Iterable[RunStatus], since: int, until: int
    ) -> Iterator[tuple[int, str]]:
        """Yield starts and ids of the function's runs of these statuses that began in ``[since, until]``, in order."""
        each = [self._started.between(function_id, status, since, until) for status in statuses]
        return heapq.merge(*each)

    def open_waits(self) -> Iterator[tuple[Run, Step]]:
        """Return the open waits with their runs, the nearest deadline first.

        They are in the index of what is due: a wait has a deadline, and leaves that index when it ends. Sleeps and
        retries are there too, so the lookup reads at most the next ``DUES_LOOKED_THROUGH``.
        """
        return (found for _, found in self.waits_after(None) if found is not None)

    def waits_after(
        self, after: tuple[int, str, str] | None
    ) -> Iterator[tuple[tuple[int, str, str], tuple[Run, Step] | None]]:
        """Yield places in the index of what is due, behind ``after``, each with its open wait and run, if it has one.

        At most ``DUES_LOOKED_THROUGH``: the next call goes on from the last place.
        """
        since = 0 if after is None else after[0] - 1
        shards = (self._dues.between(shard, since, END_OF_TIME, page=_PAGE) for shard in SHARDS)
        merged = heapq.merge(*shards, key=lambda due: due.at)
        places = (
            (place, kind)
            for _, same in groupby(merged, lambda due: due.at)
            for place, kind in sorted(((due.at, due.run_id, due.step_key or ""), due.kind) for due in same)
            if after is None or place > after
        )
        for place, kind in islice(places, DUES_LOOKED_THROUGH):
            yield place, self._open_wait(place[1], place[2]) if kind in ("wait", "signal") and place[2] else None

    def _open_wait(self, run_id: str, step_key: str) -> tuple[Run, Step] | None:
        snapshot = self._runs.load(run_id)
        step = snapshot.step(step_key) if snapshot else None
        return (snapshot.run, step) if snapshot and step is not None and step.is_open else None

    def events_after(self, name: str, start: Position, until: int) -> Iterator[ReceivedEvent]:
        """Yield the events of that name that were received behind ``start``, up to ``until``, in their order."""
        return self._log.read(name, start, until, self._names.of(name).log_shards)

    def events(
        self, name: str | None, since: int, until: int, on_page: Callable[[int], bool] = lambda page: True
    ) -> Iterable[ReceivedEvent]:
        """Return the events of that name, or of every name, that were received in ``(since, until]``, in their order.

        Events of every name need a scan of the whole table: fine on a person's machine, costly on a large one. The scan
        calls ``on_page`` with the number of each page, and ``on_page`` returns whether to read on.
        """
        start = Position.after(since)
        if name is None:
            return self._log.read_all(start, until, on_page)
        return self.events_after(name, start, until)

    def events_of_id(
        self,
        event_id: str,
        name: str | None,
        since: int,
        until: int,
        on_page: Callable[[int], bool] = lambda page: True,
    ) -> Iterator[ReceivedEvent]:
        """Yield those of these events that have the id, each as first received. Names and sources tell them apart."""
        seen: set[str] = set()
        for received in self.events(name, since, until, on_page):
            if received.event.id == event_id and received.position.identity not in seen:
                seen.add(received.position.identity)
                yield received
