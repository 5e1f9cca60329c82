"""``tarry retry``: makes failed runs go on, in place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tarry_backend.model.run import RunStatus
from tarry_dev.cli.describe import failure
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.run_lookup import find_run
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect

if TYPE_CHECKING:
    from tarry_backend.model.run import Run
    from tarry_dev.cli.connection import Connection

__all__ = ["retry_one", "retry_run"]

_PATIENCE = 3.0
"""How many seconds the command waits for what becomes of the run."""

_PAUSE = 0.2


def retry_run(beginning: str, step: str | None, stack: str | None, as_json: bool) -> None:
    """Retry the failed run whose id begins so.

    Raises:
        CommandError: There is no such run, or it cannot be retried.
    """
    with connect(stack) as tarry:
        run_id = find_run(beginning, tarry).run.id
        run = tarry.lookups.retry(run_id, step)
        if isinstance(run, str):
            raise CommandError(run)
        start = None if run.revival is None else run.revival.step
        latest = _latest(run, tarry)
    if as_json:
        print_json({"id": run.id, "status": latest.status.value, "life": run.life, "from": start})
        return
    where = "where its function raised" if start is None else f"from step {start}"
    screen().print(f"run {run.id} of {run.function_id} goes on {where}, in life {run.life}")
    if latest.status is RunStatus.FAILED:
        screen().print(f"it has failed again: {failure(latest.error)}")
    elif latest.status is not RunStatus.RUNNING:
        screen().print(f"it has {'finished' if latest.status is RunStatus.FINISHED else 'been cancelled'}")


def retry_one(tarry: Connection, run: Run, bulk_id: str) -> Run | str:
    """Retry one of many runs; return it, or why it cannot be retried."""
    return tarry.lookups.retry(run.id, None, f"bulk#{bulk_id}")


def _latest(run: Run, tarry: Connection) -> Run:
    """Return the run once it has ended, or as it is after the patience."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        time.sleep(_PAUSE)
        latest = tarry.lookups.run(run.id)
        if latest is not None and latest.status is not RunStatus.RUNNING:
            return latest
    return run
