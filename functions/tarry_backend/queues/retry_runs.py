"""The retry of failed runs, in place, by a person or by the app's own code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_backend.model.event_identity import identity
from tarry_backend.model.life import Revival
from tarry_backend.model.position import Position
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import Status
from tarry_backend.model.trace import Trace
from tarry_backend.queues.messages import Continue

if TYPE_CHECKING:
    from collections.abc import Collection

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Claim, Store

__all__ = ["RetryError", "failed_step", "request_retry"]


class RetryError(TarryError):
    """A run cannot be retried, or not from that step. The run does not change."""


def request_retry(
    run_id: str,
    functions: Collection[str],
    store: Store,
    queues: Queues,
    step_key: str | None = None,
    asked_by: str | None = None,
) -> Run:
    """Make a failed run go on from the step that ended it, or from another failed step; return the run as it is now.

    The run is running once this returns. The executor does the rest when it is woken. ``asked_by`` is the identity of
    the event or of the bulk that asks, if one does: it retries a run once.

    Raises:
        RetryError: The run cannot be retried, or somebody else has retried it meanwhile.
    """
    if (snapshot := store.runs.load(run_id)) is None:
        raise RetryError(f"there is no run {run_id} (any more): send its event again, with an id of its own")
    if asked_by is not None and any(life.asked_by == asked_by for life in snapshot.run.past_lives):
        raise RetryError(f"run {run_id} has been retried by this request already, and has gone on since")
    revival = _revival(snapshot, functions, store, step_key)
    run = store.lives.revive(snapshot.run, replace(revival, asked_by=asked_by), *_turn(snapshot.run, store))
    if run is None:
        what = "has been retried by somebody else" if snapshot.run.singleton is None else "or its singleton has changed"
        raise RetryError(f"run {run_id} {what} at this moment: this request changes nothing")
    queues.send_to_runs([Continue(run.id)])
    return run


def _turn(run: Run, store: Store) -> list[Claim]:
    """Return the claim of a retried run on its singleton, if it has one: so no other run begins at the same moment.

    event    singleton read: its run has failed ──────────────────── refused: the singleton has changed
    retry                                        {running, singleton}
    """
    if run.singleton is None:
        return []
    there = store.singletons.read(run.singleton)
    other = None if there is None or there.run_id == run.id else store.runs.run(there.run_id)
    if other is not None and other.status is RunStatus.RUNNING:
        raise RetryError(
            f"run {run.id} cannot be retried now: function {run.function_id!r} has singleton=..., and run {other.id} "
            "runs; wait for its end, or cancel it"
        )
    position = Position(run.received_at, identity(run.event))
    latest = position if there is None else max(position, there.position)
    return [store.singletons.claim(run.singleton, there, run.id, latest)]


def failed_step(snapshot: RunSnapshot) -> Step | None:
    """Return the step whose error ended the run; ``None`` if the function raised an error of its own."""
    named = snapshot.run.error.steps if snapshot.run.error else ()
    failed = [step for step in snapshot.steps if step.key in named and step.status is Status.FAILED]
    return min(failed, key=lambda step: step.ended_order or 0, default=None)


def _revival(snapshot: RunSnapshot, functions: Collection[str], store: Store, step_key: str | None) -> Revival:
    run, moment = snapshot.run, now()
    _check_status(run)
    if run.function_id not in functions:
        raise RetryError(
            f"run {run.id} cannot be retried: the app has no function {run.function_id!r} (any more), only "
            f"{sorted(functions)}; deploy it again under that id, then retry"
        )
    if store.lives.may_lack_steps(snapshot, moment, soon=True):
        raise RetryError(
            f"run {run.id} cannot be retried: {store.lives.removal(run)}, and a retry could meet some of them only; "
            f"start it again as a new run: tarry rerun {run.id}"
        )
    step = failed_step(snapshot) if step_key is None else _named(snapshot, step_key)
    order = None if step is None else step.ended_order
    for each in snapshot.steps:
        if order is not None and each.status is Status.FAILED and each.begun_order < order <= (each.ended_order or 0):
            _check_invoked(run, each, store)
    return Revival(asked=moment, step=None if step is None else step.key, order=order, ended=run.ended)


def _check_status(run: Run) -> None:
    if run.successor is not None:
        raise RetryError(f"run {run.id} has not failed: run {run.successor} continues it; look at that one")
    match run.status:
        case RunStatus.RUNNING:
            raise RetryError(f"run {run.id} is running, in life {run.life}: there is nothing to retry")
        case RunStatus.FINISHED | RunStatus.CANCELLED:
            what = "has finished" if run.status is RunStatus.FINISHED else "was cancelled"
            raise RetryError(
                f"run {run.id} {what}: only a failed run can be retried; to start it again as a new run: "
                f"tarry rerun {run.id}"
            )


def _named(snapshot: RunSnapshot, key: str) -> Step:
    step = next((each for each in snapshot.steps if each.key == key), None)
    failed = [each.key for each in snapshot.steps if each.status is Status.FAILED]
    if step is not None and step.status is Status.FAILED:
        return step
    what = "has no step" if step is None else f"has kept the result of step (it is {step.status})"
    raise RetryError(
        f"run {snapshot.run.id} {what} {key!r}: a retry goes on from a step that failed"
        + (f" ({', '.join(map(repr, failed))})" if failed else ", and none did: leave the step out")
        + f"; to begin anew from a step that has a result: tarry rerun {snapshot.run.id} --from {key!r}"
    )


def _check_invoked(run: Run, step: Step, store: Store) -> None:
    """Check that the run which a failed step invoked can still answer. It is not started twice: its id is the same."""
    if step.invocation is None or (invoked := store.chains.newest_or_trace(step.invocation.run_id)) is None:
        return
    if isinstance(invoked, Trace):
        raise RetryError(
            f"run {run.id} cannot be retried: its step {step.key!r} invoked {invoked.function_id!r}, which was not "
            f"started ({invoked}), and this stays so; start it again as a new run: tarry rerun {run.id}"
        )
    if invoked.status is RunStatus.FAILED:
        raise RetryError(
            f"run {run.id} cannot be retried yet: its step {step.key!r} waits for run {invoked.id} of "
            f"{invoked.function_id!r}, which has failed; retry that run first: tarry retry {invoked.id}"
        )
    if invoked.status is RunStatus.CANCELLED:
        raise RetryError(
            f"run {run.id} cannot be retried: its step {step.key!r} waits for run {invoked.id} of "
            f"{invoked.function_id!r}, which was cancelled; start it again as a new run: tarry rerun {run.id}"
        )
