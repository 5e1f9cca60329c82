"""The command ``tarry rerun``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tarry_dev.cli.commands.runs import RunStatus
from tarry_dev.cli.options import (
    Abort,
    AsJson,
    BulkId,
    DryRun,
    ErrorText,
    Rate,
    RunFilter,
    Since,
    Stack,
    Sure,
    Until,
    check_target,
)

__all__ = ["rerun"]


def rerun(
    run_id: Annotated[str | None, typer.Argument(metavar="ID", help="A run's id, or its beginning.")] = None,
    step: Annotated[
        str | None, typer.Option("--from", metavar="STEP", help="Keep what had ended before this step began.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON with other data (and user) of the event.")
    ] = None,
    function: Annotated[str | None, typer.Option(help="Rerun the runs of this function.")] = None,
    status: Annotated[RunStatus, typer.Option(help="With --function: only runs of this status.")] = RunStatus.FAILED,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
    expression: RunFilter = None,
    rate: Rate = 20,
    sure: Sure = False,
    dry_run: DryRun = False,
    bulk: BulkId = None,
    abort: Abort = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Start a run again as a new run: from its beginning, or from a step on.

    With --from, the new run begins with what had ended before that step began; the step, and what was open beside it,
    begin anew. The new run has an id of its own, and so have its idempotency keys, its events and its invocations. An
    event that answered a wait of the old run may answer it again. --event gives other data of the starting event.

    --function runs many runs again, after it shows them and asks you.

    --json writes {"id": ..., "rerun_of": ..., "from": step}. With --function: {"bulk": ..., "function": ..., "runs":
    [ids], "rerun": {id: new id}, "left_out": {id: reason}, "remaining": number}; it needs --yes or --dry-run.

    \b
    Examples:
      tarry rerun 60WDSJCJ
      tarry rerun 60WDSJCJ --from charge --event other.json
      tarry rerun --function onboarding --status cancelled --since 2h --dry-run
    """
    check_target(run_id, function, abort, error, since, until, expression, bulk, dry_run or None)
    if run_id is None and event is not None:
        raise typer.BadParameter("--event needs the ID of a run")
    if run_id is not None:
        from tarry_dev.cli.rerun import rerun_run

        rerun_run(run_id, step, event, stack, as_json)
    elif abort is not None:
        from tarry_dev.cli.bulk import abort_bulk

        abort_bulk(abort, stack)
    elif function is not None:
        from tarry_dev.cli.bulk import BulkOptions, run_bulk
        from tarry_dev.cli.rerun import rerun_one
        from tarry_dev.cli.run_selection import RunSelection, statuses_of
        from tarry_dev.cli.target import time_of

        with time_of(stack):
            chosen = RunSelection.read(
                function, statuses_of(status), since=since, until=until, error=error, expression=expression
            )
        act = partial(rerun_one, step=step)
        run_bulk("rerun", "rerun", chosen, act, stack, BulkOptions(sure, dry_run, as_json, rate, bulk))
