"""The objects of runs in the bucket: large events, outputs and errors. They go when the run's item has gone.

A lifecycle rule cannot tell when a run has ended. So the end of a run that has objects writes a timer. It is due when
time to live has removed the run's item. Then an executor looks whether it is gone, and removes the objects:

    ended: timer ──── run_days, and what the run's item outlives its steps ──── due: the item is gone ── objects go
    retried ┄┄┄┄┄┄ ended: timer, later ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ due
    removed late                                                               due: it is there ── a week more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.store.due_index import OBJECTS
from tarry_backend.store.models import Item, RunItem
from tarry_backend.store.step_items import due_shard, run_pk

if TYPE_CHECKING:
    from tarry_backend.store.large_values import Values
    from tarry_backend.store.leases import Leases
    from tarry_backend.store.table import Batch, Table

__all__ = ["RunObjects", "note_objects"]

_DAY = 86_400_000

_REMOVED = 3 * _DAY
"""How much later, in milliseconds, time to live has mostly removed an item: within two days, by AWS's documentation."""

_AGAIN = 7 * _DAY


def note_objects(batch: Batch, run_id: str, ended: int, values: Values, leases: Leases) -> None:
    """Write the timer of an ended run's objects, if it has any. A run that had some was read, or wrote them, here."""
    if values.has_objects(_folder(run_id)):
        batch.save(_timer(run_id, leases.of_run(ended) * 1000 + _REMOVED))


class RunObjects:
    """The objects of the runs of one table."""

    def __init__(self, table: Table, values: Values) -> None:
        self._table = table
        self._values = values

    def remove(self, run_id: str, moment: int) -> None:
        """Remove the objects of a run whose item is gone. No executor has the run meanwhile.

        Objects first: an executor that dies leaves the timer, and the sweep brings it up again.
        """
        run = self._table.get(RunItem, run_pk(run_id), "run")
        if run is not None and run.ended is not None:
            with self._table.batch() as batch:
                batch.save(_timer(run_id, moment + _AGAIN))
            return
        if run is None:
            self._values.remove(_folder(run_id))
        with self._table.batch() as batch:  # a run that goes on again writes its timer when it ends
            batch.delete(run_pk(run_id), OBJECTS)


def _folder(run_id: str) -> str:
    return f"runs/{run_id}/"


def _timer(run_id: str, due: int) -> Item:
    return Item(run_pk(run_id), OBJECTS, due=due, due_shard=due_shard(run_id))
