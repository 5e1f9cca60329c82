"""The lives of a run: a retry makes a failed run go on, under the same id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry_backend.model.life import PastStep
from tarry_backend.model.moment import iso
from tarry_backend.model.run import RunStatus, open_until
from tarry_backend.model.step import Status
from tarry_backend.store.leases import has_expired, may_lack_steps
from tarry_backend.store.life_items import past_item, revival_text
from tarry_backend.store.models import RunItem
from tarry_backend.store.run_index import index_key
from tarry_backend.store.step_items import alias_items, alias_sk, due_shard, ended_alias_item, run_pk, step_sk
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.model.life import Revival
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_backend.store.leases import Leases
    from tarry_backend.store.start_items import Claim
    from tarry_backend.store.step_items import StepItems
    from tarry_backend.store.table import Table

__all__ = ["RunLives"]

_HOUR, _DAY = 3_600_000, 86_400_000


class RunLives:
    """The lives of the runs of one table. ``leases`` say how long the steps of ended runs are stored."""

    def __init__(self, table: Table, steps: StepItems, leases: Leases) -> None:
        self._table = table
        self._steps = steps
        self._leases = leases

    def removal(self, run: Run) -> str:
        """Say what becomes of the steps of a run that may lack some, for people."""
        removed_from = None if has_expired(run) else self._leases.removed_from(run)
        if removed_from is None:
            return "time to live may have removed steps of it"
        return f"time to live removes its steps from {iso(removed_from)} on"

    def may_lack_steps(self, snapshot: RunSnapshot, moment: int, *, soon: bool = False) -> bool:
        """Return whether time to live may have removed steps of the run; with ``soon``, or will within a day.

        The asker of a retry keeps a distance of a day, so that the executor has time. The executor itself keeps one
        of an hour: clocks differ, and it may need a quarter of an hour until the steps have new leases.

            failed ──────────── a request is refused ─── a day ─── the executor fails the run ─── an hour ─── removed
        """
        if has_expired(snapshot.run):
            return True
        if (removed_from := self._leases.removed_from(snapshot.run)) is None:
            return may_lack_steps(snapshot, moment)
        return moment >= removed_from - (min(_DAY, self._leases.days * _DAY // 2) if soon else _HOUR)

    def revive(self, run: Run, revival: Revival, *claims: Claim) -> Run | None:
        """Make a failed run running, by one write; return ``None`` if it is not as it was read any more.

        Of two that retry a run, one wins. The run is due at once: from here on the sweep wakes it, should the message
        that follows get lost. It expires no more, in the same write. ``claims`` are written with it, or nothing is.

            retry 1     reads: failed, life 1 ── running, life 2 ── message
            retry 2     reads: failed, life 1 ─────────────────────────────── refused: life 2
        """
        revived = replace(
            run, status=RunStatus.RUNNING, life=run.life + 1, revival=revival, due=revival.asked, ended=None
        )
        actions = [
            RunItem.status.set(revived.status.value),
            RunItem.fn_status.set(index_key(run.function_id, revived.status, run.id)),
            RunItem.due.set(revival.asked),
            RunItem.due_shard.set(due_shard(run.id)),
            RunItem.life.set(revived.life),
            RunItem.revival.set(revival_text(revival)),
            RunItem.expires.remove(),
            RunItem.ended.remove(),
        ]
        life = RunItem.life.does_not_exist() if run.life == 1 else RunItem.life == run.life
        has_failed = (RunItem.status == RunStatus.FAILED.value) & life
        try:
            self._table.update_together(run_pk(run.id), "run", actions, has_failed, *claims)
        except ConditionFailedError:
            return None
        return revived

    def restore(self, snapshot: RunSnapshot, kept: Iterable[Step], dropped: Iterable[Step], moment: int) -> None:
        """Store the steps with which a life begins, and move those aside that it drops. No other step stays.

        The run is running, and no message of it is handled before this is done. So it may be cut off, and repeated.
        Each step gets a new lease before the run goes on, as if it had ended now; an open one has none:

            leases      of the life before ─────────────────── new ──────────────────────── until now + REST, at least
            executor    dropped steps aside ── aliases ── waits, steps ── other steps go ── run: prepared ── goes on
        """
        run_id, life = snapshot.run.id, snapshot.run.life - 1
        kept = self._leased(kept, moment)
        past = (*snapshot.past, *(PastStep(life, step) for step in dropped))
        items = {item.sk: item for item in (past_item(run_id, each, self._steps, None) for each in past)}
        with self._table.batch() as batch:
            for item in items.values():
                batch.save(item)
        aliases = {item.sk: item for item in self._aliases(snapshot, kept)}
        with self._table.batch() as batch:  # before their waits: see ``Runs.keep``
            for alias in aliases.values():
                batch.save(alias)
        with self._table.batch() as batch:
            for step in kept:
                batch.save(self._steps.item(run_id, step))
        with self._table.batch() as batch:
            stay = {step.key for step in kept}
            for step in snapshot.parts:
                if step.key not in stay:
                    batch.delete(run_pk(run_id), step_sk(step.key))
            for old in snapshot.aliases:
                if (sk := alias_sk(old.step_key, old.number)) not in aliases:
                    batch.delete(run_pk(run_id), sk)

    def _leased(self, steps: Iterable[Step], moment: int) -> tuple[Step, ...]:
        """Return the steps with leases that are long enough for those of them that are open."""
        steps = tuple(steps)
        expires = self._leases.of(moment, max(map(open_until, steps), default=0))
        return tuple(replace(step, expires=None if step.is_open else expires) for step in steps)

    def _aliases(self, snapshot: RunSnapshot, kept: tuple[Step, ...]) -> Iterable[Any]:
        """Return the further keys of the waits: those of open ones anew, those of ended ones as they are."""
        ended = {step.key: step for step in kept if not step.is_open}
        for old in snapshot.aliases:
            if old.step_key in ended:
                yield ended_alias_item(snapshot.run.id, old, ended[old.step_key])
        for step in kept:
            if step.status is Status.WAITING:
                yield from alias_items(snapshot.run.id, step)
