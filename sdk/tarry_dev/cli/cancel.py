"""``tarry cancel ID``: asks the executor to cancel a run, and waits for its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tarry_backend.model.run import RunStatus
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.run_lookup import find_run
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect

if TYPE_CHECKING:
    from tarry_backend.model.run import Run
    from tarry_dev.cli.connection import Connection

__all__ = ["cancel_run"]

_PATIENCE = 5.0
"""How many seconds it waits for the run's end: a paused run ends within one."""

_PAUSE = 0.2


def cancel_run(beginning: str, stack: str | None, as_json: bool) -> None:
    """Cancel the run whose id begins so; raise ``CommandError`` if it has ended otherwise, or does not exist."""
    with connect(stack) as tarry:
        run = find_run(beginning, tarry).run
        if run.successor is not None:
            run = tarry.lookups.newest(run.id) or run
        if run.status is RunStatus.RUNNING:
            tarry.lookups.cancel([run.id])
            run = _ended(run, tarry)
    if run.status not in (RunStatus.RUNNING, RunStatus.CANCELLED):
        raise CommandError(f"run {run.id} of {run.function_id} is already {run.status}: there is nothing to cancel")
    if as_json:
        print_json({"id": run.id, "status": run.status.value})
    elif run.status is RunStatus.CANCELLED:
        screen().print(f"run {run.id} of {run.function_id} is cancelled")
    else:
        screen().print(
            f"run {run.id} of {run.function_id} will be cancelled when the step that it executes now has ended"
        )


def _ended(run: Run, tarry: Connection) -> Run:
    """Return the run once it has ended, or as it is after the patience."""
    end = time.monotonic() + _PATIENCE
    while run.status is RunStatus.RUNNING and time.monotonic() < end:
        time.sleep(_PAUSE)
        if (snapshot := tarry.lookups.snapshot(run.id)) is not None:
            run = snapshot.run
    return run
