"""What the items of runs and steps say of a run's lives, and of its chain."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tarry_backend.model.life import Origin, PastStep, Revival
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.store.models import RunItem, StepItem
    from tarry_backend.store.step_items import StepItems
    from tarry_backend.store.table import Batch

__all__ = ["PAST", "life_attributes", "lives_of", "past_item", "past_step", "retire_past", "revival_text"]

PAST = "past#"
"""What the sort key of a dropped step begins with."""

_MOST_LIVES = 20
"""Of how many past lives a run keeps how they ended."""


def life_attributes(run: Run) -> dict[str, Any]:
    """Return what a run's item says of its lives and its chain. Of a run that has neither it says nothing."""
    return {
        "life": run.life if run.life > 1 else None,
        "past_lives": json.dumps([asdict(each) for each in run.past_lives[-_MOST_LIVES:]]) if run.past_lives else None,
        "revival": None if run.revival is None else _json(run.revival),
        "origin": None if run.origin is None else _json(run.origin),
        "chain": None if run.chain is None else run.chain.stored(),
        "successor": run.successor,
    }


def lives_of(item: RunItem) -> dict[str, Any]:
    """Return the fields of ``Run`` that ``life_attributes`` wrote."""
    if not (item.life or item.past_lives or item.revival or item.origin or item.chain):
        return {"successor": item.successor}
    from tarry_backend.model.chain import Chain  # few runs have these
    from tarry_backend.model.life import Origin, PastLife, Revival

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
    from tarry_backend.model.life import PastStep

    life, _, key = item.sk.removeprefix(PAST).partition("#")
    return PastStep(int(life), replace(steps.step(item), key=key))


def retire_past(batch: Batch, snapshot: RunSnapshot, steps: StepItems, expires: int) -> None:
    """Let time to live remove the dropped steps of a run that has ended."""
    for past in snapshot.past:
        batch.save(past_item(snapshot.run.id, past, steps, expires))


def past_item(run_id: str, past: PastStep, steps: StepItems, expires: int | None) -> StepItem:
    """Return the item of a dropped step: as it was, but in no index. It is stored for as long as its run."""
    item = steps.item(run_id, replace(past.step, expires=expires))
    item.sk = f"{PAST}{past.life}#{past.step.key}"
    item.match_key = item.wait_ref = item.due_shard = None
    return item


def revival_text(revival: Revival) -> str:
    """Return the revival as it is stored."""
    return _json(revival)


def _json(value: Revival | Origin) -> str:
    return json.dumps({k: v for k, v in asdict(value).items() if v is not None})
