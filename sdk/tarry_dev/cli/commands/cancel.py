"""The command ``tarry cancel``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["cancel"]


def cancel(
    run_id: Annotated[str | None, typer.Argument(metavar="ID", help="A run's id, or its beginning.")] = None,
    function: Annotated[str | None, typer.Option(help="All runs of this function that have not ended.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Of them, those that began then or later: 1h ago, or a time.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Of them, those that began then or before.")] = None,
    expression: Annotated[
        str | None, typer.Option("--if", metavar="EXPR", help="Of them, those for whose event this CEL holds.")
    ] = None,
    sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a run: the step that it executes now ends, and nothing comes after.

    Its waits and timers are withdrawn, and tarry/function.cancelled goes over the bus. A run that has been
    cancelled stays so; one that has finished or failed cannot be cancelled (exit code 1).

    With --function it cancels many, once you have been told how many: all that have not ended, or those of them that
    began in a time (1h30m ago, or 2026-01-05T12:00Z) or for whose event an expression holds. To go by an expression
    the event of each run is read.

    --json writes {"id": ..., "status": "cancelled"}; "running" if it still executes something after five seconds.
    Of many {"function": ..., "runs": [ids], "cancelled": how many were told}; it needs --yes or --dry-run.

    \b
    Examples:
      tarry cancel 60WDSJCJ
      tarry cancel --function onboarding --since 2h --dry-run
      tarry cancel --function onboarding --if 'event.data.plan == "trial"' --yes
    """
    many = (since, until, expression)
    if (run_id is None) == (function is None):
        raise typer.BadParameter("give the ID of a run, or the --function whose runs are meant")
    if run_id is not None:
        if any(each is not None for each in many) or dry_run:
            raise typer.BadParameter("--since, --until, --if and --dry-run go with --function, not with an ID")
        from tarry_dev.cli.cancel import cancel_run

        cancel_run(run_id, stack, as_json)
    elif function is not None:
        from tarry_dev.cli.cancel_many import Choice, cancel_runs

        cancel_runs(Choice.read(function, *many), stack, sure=sure, dry_run=dry_run, as_json=as_json)
