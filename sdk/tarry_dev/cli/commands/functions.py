"""The command ``tarry functions``."""

from __future__ import annotations

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["functions"]


def functions(stack: Stack = None, as_json: AsJson = False) -> None:
    """List the app's functions with their limits, which of them are paused, and what waits at them.

    Windows of debounces, open batches and runs wait there. An option with a key has a line for each value, and Tarry
    has no list of the values: tarry run says what holds a run back.

    --json writes {"functions": [{id, pausable, concurrency: [{limit, key, scope, hold}], limit_now, paused, draining,
    waiting: [{kind, count, or_more, events, since, due}]}]}. count is null where it is not known. Options such as
    throttle are there if the function has them, throttle_now and rate_limit_now if people have set them.

    \b
    Examples:
      tarry functions --stack tarry-shop
    """
    from tarry_dev.cli.flow import list_functions

    list_functions(stack, as_json)
