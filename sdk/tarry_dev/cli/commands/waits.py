"""The command ``tarry waits``."""

from __future__ import annotations

from tarry_dev.cli.options import AsJson, Limit, Stack  # noqa: TC001 - typer reads them

__all__ = ["waits"]


def waits(limit: Limit = 50, stack: Stack = None, as_json: AsJson = False) -> None:
    """List the open waits, the nearest deadline first.

    It searches the next 10,000 sleeps, retries and deadlines.

    --json writes {"waits": [...]}, each with run, function, step, and what tarry run gives a wait (event, expression,
    since, note, others, deadline, resolved_by, timed_out) or a signal (signal, deadline, id, timed_out).

    \b
    Examples:
      tarry waits
      tarry waits --json | jq -r '.waits[].event' | sort | uniq -c
    """
    from tarry_dev.cli.waits import show_waits

    show_waits(limit, stack, as_json)
