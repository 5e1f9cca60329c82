"""The command ``tarry functions``."""

from __future__ import annotations

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["functions"]


def functions(stack: Stack = None, as_json: AsJson = False) -> None:
    """List the app's functions with their limits, which of them are paused, and what waits at them.

    What waits are the open windows of debounces and batches, and runs in lines. An option with a key has a line for
    each value, of which there is no list: tarry run says what holds a run back.

    --json writes {"functions": [{id, pausable, concurrency: [{limit, key, scope, hold}], limit_now, paused,
    draining, waiting: [{kind, count, or_more, events, since, due}]}]}. count is null where it is not known.

    \b
    Examples:
      tarry functions --stack tarry-shop
    """
    from tarry_dev.cli.flow import list_functions

    list_functions(stack, as_json)
