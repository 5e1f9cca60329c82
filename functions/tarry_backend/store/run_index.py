"""The index of runs, for people: a function's runs of one status, by start."""

from __future__ import annotations

import heapq
import zlib
from itertools import groupby
from typing import TYPE_CHECKING

from tarry_backend.model.step import END_OF_TIME
from tarry_backend.store.models import RUN_SHARDS, Item, RunsIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pynamodb.expressions.condition import Condition

    from tarry_backend.model.run import RunStatus
    from tarry_backend.store.table import Table

__all__ = ["Start", "StartedRuns", "fn_status"]

Start = tuple[int, str]
"""When a run started (Unix milliseconds), and its id."""

_LEAST_PAGE = 20
_LARGE_PAGE = 1_000


def fn_status(function_id: str, status: RunStatus, run_id: str) -> str:
    """Return the key of a run in the index: function, status, and one of ``RUN_SHARDS`` shards."""
    return _key(function_id, status, zlib.crc32(run_id.encode()) % RUN_SHARDS)


class StartedRuns:
    """The index over one table. A list merges the shards, each of which has its runs in order. Eventually consistent.

    So a list of a function and status costs ``RUN_SHARDS`` requests at least.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def newest(self, functions: Iterable[str], statuses: Iterable[RunStatus], most: int) -> Iterator[Start]:
        """Return the newest runs, the latest start first: at most ``most`` of each function and status."""
        statuses = tuple(statuses)
        return _merged((self._newest(name, status, most) for name in functions for status in statuses), reverse=True)

    def before(
        self, functions: Iterable[str], statuses: Iterable[RunStatus], page: int, place: Start | None
    ) -> Iterator[Start]:
        """Yield the runs behind ``place``, the latest start first; each request reads at most ``page``.

        The index has no order among runs that started in one millisecond. Here their ids give it, so that a place is
        where the next page goes on.
        """
        began = Item.started.between(0, END_OF_TIME if place is None else place[0])
        statuses = tuple(statuses)
        shards = (
            self._shard(function_id, status, shard, began, page, forward=False)
            for function_id in functions
            for status in statuses
            for shard in range(RUN_SHARDS)
        )
        for _, same in groupby(_merged(shards, reverse=True), lambda start: start[0]):
            yield from (start for start in sorted(same, reverse=True) if place is None or start < place)

    def between(self, function_id: str, status: RunStatus, since: int, until: int) -> Iterator[Start]:
        """Return the runs that started in ``[since, until]``, the first one first."""
        began = Item.started.between(since, until)
        shards = (self._shard(function_id, status, shard, began, _LARGE_PAGE) for shard in range(RUN_SHARDS))
        return _merged(shards)

    def _newest(self, function_id: str, status: RunStatus, most: int) -> Iterator[Start]:
        page = max(_LEAST_PAGE, most // RUN_SHARDS)  # a shard has a fair share of them; if not, it reads a further page
        shards = (self._shard(function_id, status, shard, None, page, forward=False) for shard in range(RUN_SHARDS))
        for number, start in enumerate(_merged(shards, reverse=True), start=1):
            yield start
            if number == most:
                return

    def _shard(
        self,
        function_id: str,
        status: RunStatus,
        shard: int,
        began: Condition | None,
        page: int,
        *,
        forward: bool = True,
    ) -> Iterator[Start]:
        key = _key(function_id, status, shard)
        for item in self._table.query_index(RunsIndex, key, began, forward=forward, page_size=page):
            yield int(item.started), item.pk.partition("#")[2]


def _key(function_id: str, status: RunStatus, shard: int) -> str:
    return f"{function_id}#{status}#{shard}"


def _merged(each: Iterable[Iterator[Start]], *, reverse: bool = False) -> Iterator[Start]:
    """Yield all starts in the order of their time, each once: a run that ends between two queries has two statuses."""
    moment, seen = -1, set[str]()
    for start in heapq.merge(*each, key=lambda start: start[0], reverse=reverse):
        if start[0] != moment:
            moment, seen = start[0], set()
        if start[1] not in seen:
            seen.add(start[1])
            yield start
