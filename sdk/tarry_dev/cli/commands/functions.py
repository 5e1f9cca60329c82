"""The command ``tarry functions``."""

from __future__ import annotations

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["functions"]


def functions(stack: Stack = None, as_json: AsJson = False) -> None:
    """List the app's functions with their limits, and which of them are paused.

    --json writes {"functions": [{id, pausable, concurrency: [{limit, key, scope, hold}], limit_now, paused,
    draining}]}.

    \b
    Examples:
      tarry functions --stack tarry-shop
    """
    from tarry_dev.cli.flow import list_functions

    list_functions(stack, as_json)
