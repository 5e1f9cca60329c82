"""The command ``tarry retry``."""

from __future__ import annotations

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

__all__ = ["retry"]


def retry(
    run_id: Annotated[str | None, typer.Argument(metavar="ID", help="A run's id, or its beginning.")] = None,
    step: Annotated[
        str | None, typer.Option("--from", metavar="STEP", help="The failed step to go on from, instead of the last.")
    ] = None,
    function: Annotated[str | None, typer.Option(help="Retry all failed runs of this function.")] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only failed runs can be retried.")] = None,
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
    """Make a failed run go on, in place: under its id, from the step whose error ended it.

    What the run has kept stays, and does not run again. Its waits come back with their deadlines, and find what came
    meanwhile. Steps that began after that step had failed are dropped; tarry run shows them. If the function raised
    an error of its own, nothing is dropped: --from names the failed step that caused it.

    --function retries many runs, after it shows them and asks you. If it was stopped, --bulk goes on from there.

    --json writes {"id": ..., "status": ..., "life": 2, "from": step}. With --function: {"bulk": ..., "function": ...,
    "runs": [ids], "retried": {id: id}, "left_out": {id: reason}, "remaining": number}; it needs --yes or --dry-run.

    \b
    Examples:
      tarry retry 60WDSJCJ
      tarry retry --function onboarding --status failed
      tarry retry --function onboarding --error KeyError --since 2h --if 'event.data.plan == "trial"' --yes
    """
    check_target(run_id, function, abort, error, since, until, expression, bulk, dry_run or None)
    if status not in (None, RunStatus.FAILED):
        raise typer.BadParameter(f"a {status} run cannot be retried: tarry rerun starts it again as a new run")
    if function is not None and step is not None:
        raise typer.BadParameter("--from needs the ID of a run")
    if run_id is not None:
        from tarry_dev.cli.retry import retry_run

        retry_run(run_id, step, stack, as_json)
    elif abort is not None:
        from tarry_dev.cli.bulk import abort_bulk

        abort_bulk(abort, stack)
    elif function is not None:
        from tarry_dev.cli.bulk import BulkOptions, run_bulk
        from tarry_dev.cli.retry import retry_one
        from tarry_dev.cli.run_selection import FAILED, RunSelection
        from tarry_dev.cli.target import time_of

        with time_of(stack):
            chosen = RunSelection.read(function, FAILED, since=since, until=until, error=error, expression=expression)
        run_bulk("retry", "retried", chosen, retry_one, stack, BulkOptions(sure, dry_run, as_json, rate, bulk))
