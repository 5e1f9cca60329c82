"""The command ``tarry runs``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Full, Limit, Stack  # noqa: TC001 - typer reads them

__all__ = ["RunStatus", "runs"]


class RunStatus(StrEnum):
    """The store's, once more: to load the store takes longer than to show the help."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


def runs(
    function: Annotated[str | None, typer.Option(help="Only runs of this function.")] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only runs of this status.")] = None,
    limit: Limit = 20,
    stack: Stack = None,
    as_json: AsJson = False,
    full: Full = False,
) -> None:
    """List runs, the newest first, with what they wait for.

    --json writes {"runs": [...]}, each with id, function, status, started, version (of the code with which it began),
    due (its next attempt), ended, event, batch (the ids of all its events, if it has several), output, error (name,
    message, stack), cancelled (reason, and by for an event), its open steps: open, life (from 1), rerun_of (run, from),
    and of a chain continues (the run before) and continued_as (the run after). Times are ISO 8601 in UTC.

    \b
    Examples:
      tarry runs --function onboarding --status running
      tarry runs --json | jq -r '.runs[] | select(.status == "failed") | .error.message'
    """
    from tarry_dev.cli.runs import show_runs

    show_runs(function, status.value if status else None, limit, stack, as_json, full)
