"""The lives of a run: a retry makes a failed run go on, under the same id."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tarry_backend.model.chain import Chain
from tarry_backend.model.moment import iso
from tarry_backend.model.run import Origin, PastLife, PastStep, Revival, RunStatus, open_until
from tarry_backend.model.step import Status
from tarry_backend.store.leases import has_expired, may_lack_steps
from tarry_backend.store.models import RunItem, StepItem
from tarry_backend.store.run_index import index_key
from tarry_backend.store.step_items import alias_items, alias_sk, due_shard, ended_alias_item, run_pk, step_sk
from tarry_backend.store.table import ConditionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_backend.store.leases import Leases
    from tarry_backend.store.start_items import Claim
    from tarry_backend.store.step_items import StepItems
    from tarry_backend.store.table import Batch, Table

__all__ = ["PAST", "RunLives", "life_attributes", "lives_of", "past_step", "retire_past"]

PAST = "past#"
"""What the sort key of a dropped step begins with."""

_MOST_LIVES = 20
"""Of how many past lives a run keeps how they ended."""

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
            RunItem.revival.set(_json(revival) or ""),
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
        items = {item.sk: item for item in (_past_item(run_id, each, self._steps, None) for each in past)}
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


def life_attributes(run: Run) -> dict[str, Any]:
    """Return what a run's item says of its lives and its chain. Of a run that has neither it says nothing."""
    return {
        "life": run.life if run.life > 1 else None,
        "past_lives": json.dumps([asdict(each) for each in run.past_lives[-_MOST_LIVES:]]) if run.past_lives else None,
        "revival": _json(run.revival),
        "origin": _json(run.origin),
        "chain": None if run.chain is None else run.chain.stored(),
        "successor": run.successor,
    }


def lives_of(item: RunItem) -> dict[str, Any]:
    """Return the fields of ``Run`` that ``life_attributes`` wrote."""
    return {
        "life": int(item.life or 1),
        "past_lives": tuple(PastLife(**each) for each in json.loads(item.past_lives or "[]")),
        "revival": None if item.revival is None else Revival(**json.loads(item.revival)),
        "origin": None if item.origin is None else Origin(**json.loads(item.origin)),
        "chain": None if item.chain is None else Chain.read(item.chain),
        "successor": item.successor,
    }


def past_step(item: StepItem, steps: StepItems) -> PastStep:
    """Return the item of a dropped step."""
    life, _, key = item.sk.removeprefix(PAST).partition("#")
    return PastStep(int(life), replace(steps.step(item), key=key))


def retire_past(batch: Batch, snapshot: RunSnapshot, steps: StepItems, expires: int) -> None:
    """Let time to live remove the dropped steps of a run that has ended."""
    for past in snapshot.past:
        batch.save(_past_item(snapshot.run.id, past, steps, expires))


def _past_item(run_id: str, past: PastStep, steps: StepItems, expires: int | None) -> StepItem:
    """Return the item of a dropped step: as it was, but in no index. It is stored for as long as its run."""
    item = steps.item(run_id, replace(past.step, expires=expires))
    item.sk = f"{PAST}{past.life}#{past.step.key}"
    item.match_key = item.wait_ref = item.due_shard = None
    return item


def _json(value: Revival | Origin | None) -> str | None:
    return None if value is None else json.dumps({k: v for k, v in asdict(value).items() if v is not None})
