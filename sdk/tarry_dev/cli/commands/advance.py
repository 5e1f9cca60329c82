"""The command ``tarry advance``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["advance"]


def advance(
    by: Annotated[str | None, typer.Argument(metavar="DURATION", help="Such as 30s, 10m, 3d or 1h30m.")] = None,
    to_next: Annotated[
        bool, typer.Option("--next", help="To the next timer: a sleep, deadline, retry or cron.")
    ] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Move the time of tarry dev on.

    Everything that is due on the way happens, in its order: sleeps end, waits time out, retries and crons come. The
    command returns once the steps that this started have ended. The whole process of tarry dev has the moved time, your
    code too, and a restart keeps it. The time of a stack cannot be moved.

    --json writes {"now": ..., "moved": ..., "ahead": ..., "next": ...}: the time, the move, how far the time is ahead
    of real time, and the next timer or null. All are milliseconds, times those of Unix.

    \b
    Examples:
      tarry advance 3d
      tarry advance --next
      curl localhost:8787/advance -d '{"by": "3d"}'
    """
    from tarry_dev.cli.advance import advance_time

    advance_time(by, to_next, stack, as_json)
