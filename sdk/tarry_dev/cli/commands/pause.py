"""The command ``tarry pause``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["pause"]


def pause(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="A function's id.")],
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Pause a function: within ten seconds, none of its runs goes on.

    New events still start runs, which wait. Waits receive their events, and deadlines hold. A step that executes now
    ends first. tarry resume lets the runs go on, in the order of their starting events. The function needs
    pausable=True, or a limit (concurrency=...): without one, executors do not ask whether it is paused.

    --json writes {"id": ..., "paused": a time or null, "draining": a time or null, "limit_now": ...}.

    \b
    Examples:
      tarry pause onboarding --stack tarry-shop
    """
    from tarry_dev.cli.flow import pause_function

    pause_function(function, stack, as_json)
