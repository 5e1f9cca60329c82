"""The starts of runs: a new run is stored together with what limits the starts, or a trace in its place.

An event is decided for good by the write of one item, which is the run or the trace. What the run counts in, or takes,
is in the same transaction. So nothing counts an event that starts no run, and no event counts twice:

    event a          limiter read ── {run new, limiter as read}: stored
    event a again    limiter read ── refused: its run is there
    event b          limiter read ──────────────────────────────── refused: the limiter has changed; read again
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from tarry_backend.model.counted_starts import CountedStarts
from tarry_backend.model.trace import NoRun, Trace
from tarry_backend.store.models import Item
from tarry_backend.store.start_items import Claim, ClaimItem, LimiterItem, TraceItem
from tarry_backend.store.step_items import run_pk
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from tarry_backend.model.run import Run
    from tarry_backend.store.leases import Leases
    from tarry_backend.store.models import RunItem
    from tarry_backend.store.run_items import RunItems
    from tarry_backend.store.table import Table

__all__ = ["ONCE", "RunStarts", "counted_claim", "once_claim", "trace_of"]

ONCE = 24 * 3_600_000
"""How long, in milliseconds, the event that started a run holds its idempotency value, from when it was received."""

_LATE = 14 * 86_400
"""How many seconds longer a claim is stored: an event received in that time may be in a queue for all of them."""

_MOMENT = 6
"""How many bytes a counted moment takes."""

_NEW = Item.pk.does_not_exist()


def once_claim(run: Run, once: str) -> Claim:
    """Return the claim of a run on an idempotency value, which no other event has claimed within a day before.

    The run and its claim are written together. With the claim written first, an old event that is sent again, and whose
    run is over, could hold the claim: the next event with the value would find it taken. With the run written first,
    the run would exist although it must not.

        event 1   run, claim ──────────────────────────── day over ┄┄
        event 2          refused, no run: dropped
        event 1 again    refused, its run is there: goes on   refused by its run: the claim stays free
    """
    expires = (run.received_at + ONCE) // 1000 + _LATE
    claim = ClaimItem(f"once#{run.function_id}#{once}", "once", received_at=run.received_at, expires=expires)
    return claim, _NEW | (ClaimItem.received_at <= run.received_at - ONCE)


def counted_claim(name: str, before: CountedStarts, after: CountedStarts, span: int) -> Claim:
    """Return the claim of a run on a place in a limiter, if the limiter is as it was read.

    The limiter is stored until its last start counts no more, and for as long as an event may be in a queue.
    """
    expires = (after.moments[-1] + span) // 1000 + _LATE
    item = LimiterItem(_limiter(name), "limit", counted=_packed(after), expires=expires)
    return item, _NEW if not before.moments else LimiterItem.counted == _packed(before)


class RunStarts:
    """The starts in one table."""

    def __init__(self, table: Table, runs: RunItems, leases: Leases) -> None:
        self._table = table
        self._runs = runs
        self._leases = leases

    def counted(self, name: str) -> CountedStarts:
        """Return the starts that a limiter has counted, strongly consistent. One request."""
        item = self._table.get(LimiterItem, _limiter(name), "limit")
        return CountedStarts() if item is None else _unpacked(item.counted)

    def begin(self, run: Run, *claims: Claim) -> tuple[bool, ...]:
        """Store a new run with its claims, all or nothing. One request.

        Return an empty tuple if they are stored. Else it says, of the run and then of each claim, whether it was
        refused. Another transaction on one of the items raises ``OverlapError``.
        """
        mine = (self._runs.item(run), _NEW)
        try:
            if claims:
                self._table.put_together(mine, *claims)
            else:
                self._table.put(*mine)
        except ConditionFailedError as error:
            return error.refused or (True,)
        return ()

    def leave(self, trace: Trace) -> bool:
        """Store a trace in the place of its run; return false if there is a run, or a trace, already. One request."""
        item = TraceItem(run_pk(trace.run_id), "run", trace=_text(trace), expires=self._leases.of_run(trace.moment))
        try:
            self._table.put(item, _NEW)
        except ConditionFailedError:
            return False
        return True


def trace_of(item: RunItem) -> Trace | None:
    """Return the trace that is stored in the place of a run; ``None`` if it is a run."""
    if not item.trace:
        return None
    fields = json.loads(item.trace)
    return Trace(item.pk.partition("#")[2], **{**fields, "why": NoRun(fields["why"])})


def _text(trace: Trace) -> str:
    return json.dumps({name: each for name, each in asdict(trace).items() if name != "run_id" and each is not None})


def _limiter(name: str) -> str:
    return f"limit#{name}"


def _packed(counted: CountedStarts) -> bytes:
    return b"".join(moment.to_bytes(_MOMENT) for moment in counted.moments)


def _unpacked(data: bytes) -> CountedStarts:
    pieces = (data[place : place + _MOMENT] for place in range(0, len(data), _MOMENT))
    return CountedStarts(tuple(map(int.from_bytes, pieces)))
