"""The command ``tarry drain``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["drain"]


def drain(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="A function's id.")],
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Drain a function: within ten seconds, it starts no more runs. Its present runs go on to their ends.

    An event that would have started a run starts none, and its receipt (tarry event ID) says so. A run that invokes the
    function gets an InvocationSkippedError. tarry resume ends the draining. Events that came before it start nothing
    later. The function needs pausable=True, or a limit (concurrency=...): without one, executors do not ask whether it
    drains.

    --json writes {"id": ..., "paused": a time or null, "draining": a time or null, "limit_now": ...}.

    \b
    Examples:
      tarry drain onboarding --stack tarry-shop
    """
    from tarry_dev.cli.flow import drain_function

    drain_function(function, stack, as_json)
