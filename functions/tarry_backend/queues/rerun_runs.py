"""The rerun of a run: a new run of the same event, from a step on if one is given."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_backend.model.event_identity import hashed_id
from tarry_backend.model.life import Origin, Revival
from tarry_backend.model.run import Run
from tarry_backend.queues.messages import Continue

if TYPE_CHECKING:
    from collections.abc import Collection

    from tarry import Event
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["RerunError", "edited", "request_rerun", "rerun_id"]


class RerunError(TarryError):
    """A run cannot be run again, or not from that step. Nothing has started."""


def rerun_id(run_id: str, step_key: str | None, nonce: str) -> str:
    """Return the id of the run that a request makes. A repeated request has the same ``nonce``, and makes one run."""
    return hashed_id(json.dumps(["rerun", run_id, step_key, nonce]))


def request_rerun(
    run_id: str,
    functions: Collection[str],
    store: Store,
    queues: Queues,
    *,
    nonce: str,
    step_key: str | None = None,
    event: Event | None = None,
) -> Run:
    """Start a run anew, as a run of its own, and return that run.

    With ``step_key`` the new run begins with what had ended before that step began: exactly what the function knew when
    it asked for the step. ``event`` replaces the event that started the run.

    Raises:
        RerunError: There is no such run or step, or time to live removes it, or its function is gone.
    """
    if (snapshot := store.runs.load(run_id)) is None:
        raise RerunError(f"there is no run {run_id} (any more): send its event again, with an id of its own")
    old, moment = snapshot.run, now()
    if old.function_id not in functions:
        raise RerunError(
            f"run {old.id} cannot be run again: the app has no function {old.function_id!r} (any more), only "
            f"{sorted(functions)}; deploy it again under that id"
        )
    step = None if step_key is None else _step(snapshot, step_key, store, moment)
    run = Run(
        id=rerun_id(old.id, step_key, nonce),
        function_id=old.function_id,
        event=event or old.event,
        received_at=old.received_at,
        batch=() if event else old.batch,
        started=moment,
        due=moment,
        revival=Revival(asked=moment, step=step_key, order=None if step is None else step.begun_order, origin=old.id),
        origin=Origin(old.id, step_key),
        chain=None if old.chain is None else replace(old.chain, first=rerun_id(old.id, step_key, nonce)),
    )
    if not store.runs.create(run):
        run = store.runs.run(run.id) or run
    if run.revival is not None:  # the executor has not begun it; the sweep wakes it, too
        queues.send_to_runs([Continue(run.id)])
    return run


def _step(snapshot: RunSnapshot, key: str, store: Store, moment: int) -> Step:
    run = snapshot.run
    if store.lives.may_lack_steps(snapshot, moment, soon=True):
        raise RerunError(
            f"run {run.id} cannot be run again from a step: {store.lives.removal(run)}; "
            "leave the step out, and it runs again from its event"
        )
    if (step := next((each for each in snapshot.steps if each.key == key), None)) is None:
        keys = ", ".join(repr(each.key) for each in snapshot.steps) or "none"
        raise RerunError(f"run {run.id} has no step {key!r}: it has {keys}")
    return step


def edited(event: Event, fields: dict[str, object]) -> Event:
    """Return the event with other ``data``, or ``user``, from a JSON object."""
    unknown = sorted(fields.keys() - {"data", "user"})
    if unknown or not fields or not isinstance(fields.get("data", {}), dict):
        raise RerunError(
            f"the event's new fields are a JSON object with data, user, or both, not {', '.join(unknown) or 'this'}: "
            'write {"data": {...}}'
        )
    return replace(event, **fields)  # type: ignore[arg-type]
