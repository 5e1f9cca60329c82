"""The count of executors that died over one message of a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.store import Runs

__all__ = ["absolve", "suspect"]


def suspect(runs: Runs, snapshot: RunSnapshot, delivery: MessageDelivery) -> RunSnapshot:
    """Count this delivery as a death before the function can cause another one.

    The run stores since when attempts may have been under way, until one has gone through. The message may become a
    dead letter, and a later one may perform the step that its executors began.

        message 1    step begins ── dies … ten times ── dead letter
        message 2                                                      the step again, kept: it began at first
    """
    run = snapshot.run
    deaths = run.deaths + 1 if run.suspect == delivery.message_id else 1
    since = min(delivery.first_received, run.attempt_since or delivery.first_received)
    run = replace(run, suspect=delivery.message_id, deaths=deaths, attempt_since=since)
    runs.save(run)
    return replace(snapshot, run=run)


def absolve(runs: Runs, run: Run) -> None:
    """Take back the death of an executor that failed in an orderly way: the function is not to blame."""
    with suppress(Exception):  # the error raised now is the one that counts
        runs.save(run)
