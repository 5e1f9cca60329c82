"""The turns of a singleton's runs: one runs at a time.

With ``skip``, an event starts no run while another one's runs. With ``cancel``, the latest event wins: its run is
stored in one transaction with the singleton, cancels the run before, and begins once that has ended.

    run 1    runs ────────────────────── stops ── ends: whose turn is it?
    run 2           {run 2 after 1, singleton} ── stop ┄┄ waits for 1 ─────────── Continue ── begins
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tarry_backend.clock import now
from tarry_backend.executor.run_begin import begins
from tarry_backend.matching.start_keys import start_key
from tarry_backend.model.cancellation import BY_HAND, SUPERSEDED
from tarry_backend.model.event_identity import identity
from tarry_backend.model.position import Position
from tarry_backend.model.run import RunStatus
from tarry_backend.model.trace import NoRun, Trace
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.messages import Continue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry import Function
    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.run import Run
    from tarry_backend.model.singleton import Singleton
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Claim, Store
    from tarry_backend.telemetry import Meter

__all__ = ["SingletonTurns"]

_ASKS = 300_000
"""After how many milliseconds a run asks again whether the one before it has ended. Mostly that one's end tells it."""


class ClaimedTurn(NamedTuple):
    """A new run with its singleton, and its claim on it. ``stops`` are the runs that it cancels."""

    run: Run
    claim: Claim
    stops: tuple[str, ...]


class SingletonTurns:
    """The turns. A run without a singleton costs no request."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._runs = store.runs
        self._store = store
        self._queues = queues
        self._meter = meter

    def claim(self, function: Function, run: Run) -> ClaimedTurn | Trace | None:
        """Return a new run with its claim on its singleton, or its trace if it is not its turn. Writes nothing.

        The claim holds if the singleton is as it was read, so nobody's turn has come or gone in between. Whether the
        run before has ended is read after the singleton. It can run again only by a retry, which changes the singleton.
        """
        if (option := function.flow.singleton) is None:
            return None
        if (name := start_key(function, option.key, run.event, run.received_at)) is None:
            self._meter.count("MatchErrors")
            return None
        there, position = self._store.singletons.read(name), Position(run.received_at, identity(run.event))
        before = None if there is None or there.run_id == run.id else self._before(there)
        if option.mode == "skip" and before is not None:
            return Trace(run.id, run.function_id, NoRun.SKIPPED, now(), by=before)
        if option.mode == "cancel" and there is not None and position < there.position:
            return Trace(run.id, run.function_id, NoRun.SUPERSEDED, now(), by=there.run_id)
        new = replace(run, singleton=name, after=before)
        if before is not None:
            new = replace(new, due=max(run.due or 0, now() + _ASKS))
        waits = there is not None and there.after is not None and there.run_id != run.id
        stops = dict.fromkeys([*([before] if before else []), *([there.run_id] if there and waits else [])])
        return ClaimedTurn(new, self._store.singletons.claim(name, there, run.id, position, before), tuple(stops))

    def stop(self, run_ids: Sequence[str]) -> None:
        """Cancel the runs before a new one. If this is lost, the new one repeats it, and one that waits finds out."""
        if run_ids:
            request_cancel(run_ids, self._store, self._queues)

    def why(self, run: Run) -> Cancellation:
        """Return why the run is cancelled that somebody has asked to cancel: by hand, or by the run after it."""
        if run.singleton is None:
            return BY_HAND
        there = self._store.singletons.read(run.singleton)
        return BY_HAND if there is None or there.run_id == run.id else SUPERSEDED

    def comes(self, run: Run) -> Run | Cancellation:
        """Return the run as it goes on: without ``after`` if its turn has come. Or why it is cancelled instead.

        While the one before runs, it is due later. What it changes is stored.
        """
        if run.singleton is None or run.after is None:
            return run
        there = self._store.singletons.read(run.singleton)
        if there is None or there.run_id != run.id:
            return SUPERSEDED
        if there.after is not None and self._runs_still(there.after):
            self.stop([there.after])
            later = replace(run, due=max(begins(run.event, now()) or 0, now() + _ASKS))
            self._runs.save(later)
            return later
        if there.after is not None and not self._store.singletons.begin(run.singleton, run.id):
            return SUPERSEDED
        first = replace(run, after=None, due=begins(run.event, now()))
        self._runs.save(first)
        return first

    def pass_on(self, run: Run) -> None:
        """Tell the run that waits for this one, which has ended, that its turn has come. One request.

        run 1     end stored ── singleton: names run 2, after 1 ── Continue
        run 1     end stored ── singleton: names run 1 ── may expire
        """
        if run.singleton is None:
            return
        there = self._store.singletons.end(run.singleton, run.id, now())
        if there is not None and there.after == run.id:
            self._queues.send_to_runs([Continue(there.run_id)])

    def hand_over(self, run: Run, successor: Run) -> list[Claim] | Cancellation:
        """Return the claim of the run's successor, whose turn goes on. Or why the run is cancelled: it is superseded.

        run 1    hands over: {run 1 ended, its successor, singleton: successor}
        run 2                                                                    waits for the successor
        """
        if run.singleton is None:
            return []
        there = self._store.singletons.read(run.singleton)
        if there is None or there.run_id != run.id:
            return SUPERSEDED
        return [self._store.singletons.claim(run.singleton, there, successor.id, there.position)]

    def _before(self, there: Singleton) -> str | None:
        """Return the run that has to end first: the one whose turn it is, or the one that this one waits for.

        A run that waits has not begun, and does not begin once the singleton names another one.
        """
        first = there.after or there.run_id
        return first if self._runs_still(first) else None

    def _runs_still(self, run_id: str) -> bool:
        run = self._runs.run(run_id)
        return run is not None and run.status is RunStatus.RUNNING
