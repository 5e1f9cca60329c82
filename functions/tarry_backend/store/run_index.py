"""The index of runs, for people: a function's runs, by start.

A running run and a finished one are under the same key. So the write that ends a run leaves the index as it is, and
costs one write unit and not three. Only a run that fails or is cancelled, which is rare, moves to a key of its own:

    started                     finished: stays        failed, cancelled: moves
    order#running#2 ──────────────────────────────┬── order#failed#2

So a list of running runs, or of finished ones, reads the status of each run beside the index, by 100.
"""

from __future__ import annotations

import heapq
import zlib
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from tarry.errors import TarryError
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import END_OF_TIME
from tarry_backend.store.models import RUN_SHARDS, Item, RunsIndex
from tarry_backend.store.step_items import run_pk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pynamodb.expressions.condition import Condition

    from tarry_backend.store.table import Table

__all__ = ["Start", "StartedRuns", "index_key"]

Start = tuple[int, str]
"""When a run started (Unix milliseconds), and its id."""

_LEAST_PAGE = 20
_LARGE_PAGE = 1_000

_MIXED_PAGE = 250
"""How many runs under a key of mixed statuses a request reads for a page of a list, which may end early."""

_STATUSES_READ = 100
"""Of how many runs one request reads the status."""

_TRIES = 3
"""How often DynamoDB may give none of the statuses that it is asked for."""

_KEYS = {
    RunStatus.RUNNING: (RunStatus.RUNNING,),
    RunStatus.FINISHED: (RunStatus.RUNNING, RunStatus.FINISHED),
    RunStatus.FAILED: (RunStatus.FAILED,),
    RunStatus.CANCELLED: (RunStatus.CANCELLED,),
}
"""Under which keys the runs of a status are. The last release moved finished runs to a key of their own."""

_MIXED = {RunStatus.RUNNING, RunStatus.FINISHED}
"""The statuses of the runs under the key of running runs."""


class _Entry(NamedTuple):
    """A run in the index. ``is_mixed`` says that its key does not tell its status."""

    started: int
    run_id: str
    is_mixed: bool

    @property
    def start(self) -> Start:
        return self.started, self.run_id


def index_key(function_id: str, status: RunStatus, run_id: str) -> str:
    """Return the key of a run in the index: function, group of statuses, and one of ``RUN_SHARDS`` shards."""
    return _key(function_id, _KEYS[status][0], zlib.crc32(run_id.encode()) % RUN_SHARDS)


class StartedRuns:
    """The index over one table. A list merges the shards, each of which has its runs in order. Eventually consistent.

    So a list of a function costs ``RUN_SHARDS`` requests for each key at least. A list of running runs costs one more
    for each 100 runs that it passes by, running or not.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def newest(self, functions: Iterable[str], statuses: Collection[RunStatus], most: int) -> Iterator[Start]:
        """Yield the newest runs, the latest start first. ``most`` is about how many the caller needs."""
        page = _LARGE_PAGE if _is_partial(statuses) else max(_LEAST_PAGE, most // RUN_SHARDS)
        entries = _merged(self._lanes(functions, statuses, None, page, forward=False), reverse=True)
        return (entry.start for entry, fits in self._chosen(entries, statuses) if fits)

    def begun(self, function_id: str, most: int) -> Iterator[str]:
        """Yield the ids of the newest runs that run or have finished, whichever, the latest start first."""
        page = max(_LEAST_PAGE, most // RUN_SHARDS)
        lanes = (
            self._shard(function_id, RunStatus.RUNNING, shard, None, page, forward=False) for shard in range(RUN_SHARDS)
        )
        return (entry.run_id for entry in _merged(lanes, reverse=True))

    def before(
        self, functions: Iterable[str], statuses: Collection[RunStatus], page: int, place: Start | None
    ) -> Iterator[tuple[Start, bool]]:
        """Yield the runs behind ``place``, the latest start first, each with whether it has one of the statuses.

        A request reads at most ``page``, or more if a run's key does not tell its status. The index has no order among
        runs that started in one millisecond. Here their ids give it, so that a place is where the next page goes on.
        """
        began = Item.started.between(0, END_OF_TIME if place is None else place[0])
        page = max(page, _MIXED_PAGE) if _is_partial(statuses) else page
        entries = (
            entry
            for _, same in groupby(
                _merged(self._lanes(functions, statuses, began, page, forward=False), reverse=True),
                lambda entry: entry.started,
            )
            for entry in sorted(same, reverse=True)
            if place is None or entry.start < place
        )
        return ((entry.start, fits) for entry, fits in self._chosen(entries, statuses))

    def between(self, function_id: str, status: RunStatus, since: int, until: int) -> Iterator[Start]:
        """Yield the runs that started in ``[since, until]``, the first one first."""
        began = Item.started.between(since, until)
        entries = _merged(self._lanes([function_id], [status], began, _LARGE_PAGE))
        return (entry.start for entry, fits in self._chosen(entries, [status]) if fits)

    def _chosen(self, entries: Iterator[_Entry], statuses: Collection[RunStatus]) -> Iterator[tuple[_Entry, bool]]:
        """Yield the entries, each with whether its run has one of the statuses; a run that is gone has none."""
        if not _is_partial(statuses):
            yield from ((entry, True) for entry in entries)
            return
        while some := list(islice(entries, _STATUSES_READ)):
            found = self._statuses([entry.run_id for entry in some if entry.is_mixed])
            yield from ((entry, not entry.is_mixed or found.get(entry.run_id) in statuses) for entry in some)

    def _statuses(self, run_ids: list[str]) -> dict[str, str]:
        """Return the statuses of these runs, by id; eventually consistent."""
        found: dict[str, str] = {}
        tries = 0
        while tries < _TRIES:
            items, is_whole = self._table.get_many([(run_pk(each), "run") for each in run_ids], ("status",))
            found |= {item.pk.partition("#")[2]: item.status for item in items}
            if is_whole:
                return found
            run_ids = [each for each in run_ids if each not in found]  # large items: DynamoDB reads 16 MB at once
            tries = 0 if items else tries + 1
        raise TarryError(f"DynamoDB left {len(run_ids)} reads of {self._table.name} unanswered: it is throttled")

    def _lanes(
        self,
        functions: Iterable[str],
        statuses: Collection[RunStatus],
        began: Condition | None,
        page: int,
        *,
        forward: bool = True,
    ) -> Iterator[Iterator[_Entry]]:
        keys = dict.fromkeys(key for status in statuses for key in _KEYS[status])
        for function_id in functions:
            for key in keys:
                for shard in range(RUN_SHARDS):
                    yield self._shard(function_id, key, shard, began, page, forward=forward)

    def _shard(
        self,
        function_id: str,
        status: RunStatus,
        shard: int,
        began: Condition | None,
        page: int,
        *,
        forward: bool = True,
    ) -> Iterator[_Entry]:
        key = _key(function_id, status, shard)
        for item in self._table.query_index(RunsIndex, key, began, forward=forward, page_size=page):
            yield _Entry(int(item.started), item.pk.partition("#")[2], status is RunStatus.RUNNING)


def _key(function_id: str, status: RunStatus, shard: int) -> str:
    return f"{function_id}#{status}#{shard}"


def _is_partial(statuses: Collection[RunStatus]) -> bool:
    """Return whether some of the runs under one key are wanted, and others are not."""
    return len(_MIXED.intersection(statuses)) == 1


def _merged(each: Iterable[Iterator[_Entry]], *, reverse: bool = False) -> Iterator[_Entry]:
    """Yield all entries in the order of their time, each run once: one that fails between two queries has two keys."""
    moment, seen = -1, set[str]()
    for entry in heapq.merge(*each, key=lambda entry: entry.started, reverse=reverse):
        if entry.started != moment:
            moment, seen = entry.started, set()
        if entry.run_id not in seen:
            seen.add(entry.run_id)
            yield entry
