"""The command ``tarry limit``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["limit"]


def limit(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="A function's id.")],
    number: Annotated[
        int | None, typer.Argument(metavar="LIMIT", min=1, max=1000, help="The limit from now on.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Use the code's limit again.")] = False,
    of: Annotated[
        Literal["concurrency", "throttle", "rate_limit"], typer.Option("--of", help="The option whose limit it is.")
    ] = "concurrency",
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Give a function another limit, without a deployment: of concurrency, or of what --of names.

    It replaces the limit in the code, also after deployments, until --reset. Of two limits of concurrency it replaces
    the first with scope="fn". Runs that a throttle has given a time keep it. --of throttle and --of rate_limit need a
    function with pausable=True, or with concurrency.

    --json writes {"id": ..., "paused": a time or null, "draining": a time or null, "limit_now": ...}, and throttle_now
    and rate_limit_now if people have set them.

    \b
    Examples:
      tarry limit onboarding 5
      tarry limit onboarding --reset
      tarry limit onboarding 100 --of throttle
    """
    if (number is None) != reset:
        raise typer.BadParameter("give either a LIMIT or --reset")
    from tarry_dev.cli.flow import limit_function

    limit_function(function, number, stack, as_json, of)
