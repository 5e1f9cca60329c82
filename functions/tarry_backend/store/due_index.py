"""The index of what is due: sleeps, deadlines and retries, by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.store.models import DUE_SHARDS, CursorItem, DueIndex, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.store.table import Table

__all__ = ["BATCHES", "CALMS", "GATE", "LINE", "OBJECTS", "SHARDS", "WINDOWS", "DueEntry", "Dues"]

SHARDS = range(DUE_SHARDS)

GATE = "gate"
"""The kind of a gate at which runs wait. Its name stands in the place of a run's id."""

CALMS, BATCHES = "calm", "batch"
"""The kinds of what gathers events before a run: debounces and batches. Names stand in the place of a run's id."""

WINDOWS = frozenset({CALMS, BATCHES})

OBJECTS = "objects"
"""The kind of the objects of a run that has ended: they go after the run's item."""

LINE = "line"
"""The kind of a run that has waited in the line of a gate for so long that its steps' leases need a look."""

_WAITER = "line#"

_NO_RUNS = WINDOWS | {GATE}


@dataclass(frozen=True, slots=True)
class DueEntry:
    """A timer of a run, due at ``at`` (Unix milliseconds): of a step, or of the function itself."""

    run_id: str
    step_key: str | None
    kind: str
    at: int


class Dues:
    """The index of what is due, and the sweep's cursor in it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def between(self, shard: int, after: int, until: int, page: int | None = None) -> Iterator[DueEntry]:
        """Yield the timers due in ``(after, until]``, earliest first. Eventually consistent.

        A request reads ``page`` of them, or 1 MB.
        """
        wanted = Item.due.between(after + 1, until)
        for item in self._table.query_index(DueIndex, shard, wanted, page_size=page):
            name, _, key = item.sk.partition("#")
            if item.pk.startswith(_WAITER):
                yield DueEntry(key, None, LINE, int(item.due))
                continue
            yield DueEntry(
                item.pk.partition("#")[2],
                key if name == "step" else None,
                name if name in _NO_RUNS or name == OBJECTS else getattr(item, "kind", "run"),
                int(item.due),
            )

    def cursor(self) -> int:
        """Return the time up to which the sweep has put timers into the timers queue; 0 at first."""
        item = self._table.get(CursorItem, "timers", "cursor")
        return 0 if item is None else int(item.until)

    def move_cursor(self, until: int) -> None:
        """Store the time up to which the sweep has read the index."""
        self._table.put(CursorItem("timers", "cursor", until=until))
