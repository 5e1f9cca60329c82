"""The command ``tarry cancel``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["cancel"]


def cancel(
    run_id: Annotated[str | None, typer.Argument(metavar="ID", help="A run's id, or its beginning.")] = None,
    function: Annotated[str | None, typer.Option(help="Cancel all running runs of this function.")] = None,
    since: Annotated[str | None, typer.Option(help="Only runs that began then or later: 1h (ago), or a time.")] = None,
    until: Annotated[str | None, typer.Option(help="Only runs that began then or before.")] = None,
    expression: Annotated[
        str | None, typer.Option("--if", metavar="EXPR", help="Only runs for whose event this CEL is true.")
    ] = None,
    sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the runs.")] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a run: a step that executes now still finishes, and no step begins after it.

    Tarry withdraws its waits and timers, and puts tarry/function.cancelled on the bus. A cancelled run stays
    cancelled. A run that has finished or failed cannot be cancelled (exit code 1).

    --function cancels many runs, after it asks you with their number: all running ones, or only those that began in
    a time (1h30m ago, or 2026-01-05T12:00Z), or for whose event an expression is true. --if reads the event of each
    run.

    --json writes {"id": ..., "status": "cancelled"}, or "running" if a step still executes after five seconds.
    With --function: {"function": ..., "runs": [ids], "cancelled": their number}; it needs --yes or --dry-run.

    \b
    Examples:
      tarry cancel 60WDSJCJ
      tarry cancel --function onboarding --since 2h --dry-run
      tarry cancel --function onboarding --if 'event.data.plan == "trial"' --yes
    """
    many = (since, until, expression)
    if (run_id is None) == (function is None):
        raise typer.BadParameter("give either the ID of a run or a --function")
    if run_id is not None:
        if any(each is not None for each in many) or dry_run:
            raise typer.BadParameter("--since, --until, --if and --dry-run need --function instead of an ID")
        from tarry_dev.cli.cancel import cancel_run

        cancel_run(run_id, stack, as_json)
    elif function is not None:
        from tarry_dev.cli.cancel_many import Choice, cancel_runs
        from tarry_dev.cli.target import time_of

        with time_of(stack):
            choice = Choice.read(function, *many)
        cancel_runs(choice, stack, sure=sure, dry_run=dry_run, as_json=as_json)
