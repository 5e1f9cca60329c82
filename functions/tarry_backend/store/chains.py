"""Chains of runs: the hand-over from one run to the next, and the way to the newest run of a chain.

A chain has an item that names its newest run, in the partition of its first one. So whoever knows the first run, such
as the caller that invoked it, finds the newest by two reads, however long the chain is and however old its first runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import UnicodeAttribute

from tarry_backend.model.trace import Trace
from tarry_backend.store.models import Item, RunItem
from tarry_backend.store.runs import ConflictError
from tarry_backend.store.step_items import can_be_key, run_pk
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from tarry_backend.model.run import Run
    from tarry_backend.store.runs import Runs
    from tarry_backend.store.start_items import Claim
    from tarry_backend.store.table import Table

__all__ = ["Chains"]

_CHAIN = "chain"

_LAST = 86_400
"""How many seconds the item of a chain outlives its last run."""


class ChainItem(Item):
    """The id of the newest run of a chain."""

    newest = UnicodeAttribute()


class Chains:
    """The chains of one table."""

    def __init__(self, table: Table, runs: Runs) -> None:
        self._table = table
        self._runs = runs

    def hand_over(self, run: Run, successor: Run, *claims: Claim) -> None:
        """Store that the run has ended, its successor, and that this is the newest: all or nothing.

        A run has one successor: the end of the run is refused if it has ended already, and the successor has an id that
        follows from the run's. So an executor that died cannot hand over a second time, nor end the run otherwise.
        ``claims`` are written with it.

            executor 1    hand-over ── dies
            executor 2                        finds the run ended: wakes the successor
            executor 1    ── dies before
            executor 2                        replays the run: hand-over

        Raises:
            ConflictError: The run has ended meanwhile, or the answer to an earlier try of this request was lost.
        """
        assert successor.chain is not None
        chain = ChainItem(run_pk(successor.chain.first), _CHAIN, newest=successor.id)
        try:
            self._table.put_together(
                (self._runs.items.item(run), RUNNING),
                (self._runs.items.item(successor), NEW),
                (chain, NEW | (ChainItem.newest == run.id)),
                *claims,
            )
        except ConditionFailedError as error:
            raise ConflictError(f"run {run.id} has ended, or was continued, meanwhile") from error

    def close(self, run: Run) -> None:
        """Let time to live remove the chain's item after its last run, which has ended."""
        self._keep(run, None if run.ended is None else self._runs.leases.of_run(run.ended) + _LAST)

    def open_again(self, run: Run) -> None:
        """Keep the chain's item for as long as its last run goes on, which is retried."""
        self._keep(run, None)

    def newest(self, run_id: str) -> Run | None:
        """As ``newest_or_trace``; ``None`` also if there is only a trace."""
        found = self.newest_or_trace(run_id)
        return None if isinstance(found, Trace) else found

    def newest_or_trace(self, run_id: str) -> Run | Trace | None:
        """Return the run, or the newest of its chain if it has handed over, or if it was its chain's first and is gone.

        A chain may be handed over between the two reads; then they are repeated:

            reader     chain: run 2 ──────────────── run 2: handed over ── chain: run 3 ── run 3
            executor                  hand-over to 3
        """
        found = self._runs.run_or_trace(run_id)
        if isinstance(found, Trace):
            return found
        run = found
        while run is None or run.successor is not None:
            first = run_id if run is None or run.chain is None else run.chain.first
            if not can_be_key(run_pk(first)) or (item := self._table.get(ChainItem, run_pk(first), _CHAIN)) is None:
                return None
            before, run = run, self._runs.run(item.newest)
            if run is None and before is None:
                return None
        return run

    def _keep(self, run: Run, expires: int | None) -> None:
        if run.chain is not None:
            with self._table.batch() as batch:
                batch.save(ChainItem(run_pk(run.chain.first), _CHAIN, newest=run.id, expires=expires))


NEW, RUNNING = Item.pk.does_not_exist(), RunItem.status == "running"
"""A run that is new; a run that has not ended."""
