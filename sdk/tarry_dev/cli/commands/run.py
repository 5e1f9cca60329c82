"""The command ``tarry run``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["run"]


def run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")],
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its steps in time, what they took, gave, and wait for.

    --json writes what tarry runs writes of it, and all its steps, each with id, kind, status, began, ended,
    attempt, due, output, error, and for a wait: wait (event, expression, since, note, others (the same of
    each further event that it is for), deadline, resolved_by, timed_out), for one for a
    signal: signal (signal, deadline, id, timed_out). What may cancel it stands likewise under
    guards; who has, under cancelled (reason, and of an event by).

    \b
    Examples:
      tarry run 60WDSJCJ
      tarry run 60WDSJCJ --json | jq '.steps[] | {id, status, output}'
    """
    from tarry_dev.cli.run import show_run

    show_run(run_id, stack, as_json)
