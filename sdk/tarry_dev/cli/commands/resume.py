"""The command ``tarry resume``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["resume"]


def resume(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="A function's id.")],
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Let a paused or draining function go on, the runs with the earliest starting events first.

    The first of them goes on within half a minute. Without a limit, 20 runs a second go on.

    --json writes {"id": ..., "paused": a time or null, "draining": a time or null, "limit_now": ...}.

    \b
    Examples:
      tarry resume onboarding --stack tarry-shop
    """
    from tarry_dev.cli.flow import resume_function

    resume_function(function, stack, as_json)
