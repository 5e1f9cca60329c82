"""The command ``tarry check``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["check"]


def check(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[MODULE:APP]", help="The app as it would be deployed; else pyproject.toml has it."),
    ] = None,
    function: Annotated[str | None, typer.Option(help="Check the runs of this function alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most runs of a function, the oldest first.")] = 1000,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Replay all running runs with the code at hand, before you deploy it: which of them would it break?

    The command reads each run that has not ended, and runs its function over the stored steps, on this machine. No
    step begins, and nothing is written. Your code outside of steps does run, as at each replay.

    It names each run that would break: its function asks for other steps than those that are stored, or for a stored
    step with other arguments, or raises an error. The exit code is 1 if there is such a run.

    Without MODULE:APP it takes the app of the nearest pyproject.toml: [tool.tarry] app = "shop.functions:app".

    --json writes app, checked (runs for each function), and broken: id, function, error, message.

    \b
    Examples:
      tarry check --stack tarry-shop
      tarry check shop.app:app --stack tarry-shop
      tarry check shop.app:app --function checkout && cdk deploy
    """
    from tarry_dev.cli.check import check_runs

    check_runs(target, function, limit, stack, as_json)
