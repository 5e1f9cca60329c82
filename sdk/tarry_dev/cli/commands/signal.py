"""The command ``tarry signal``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["signal"]


def signal(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The signal's name, for which a run waits.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Its data, any JSON value.")] = "{}",
    signal_id: Annotated[
        str | None, typer.Option("--id", help="The signal's id. The same id is delivered once.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="If no run waits, keep it this long for a later wait, such as 1h."),
    ] = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send a signal to the one run that waits for it, and show the result.

    The result is: delivered, kept, duplicate, or nobody waits (exit code 1).

    --json writes {"status": ..., "id": ..., "run": ..., "kept_until": ...}.

    \b
    Examples:
      tarry signal approval/7 '{"by": "ada"}'
      tarry signal approval/7 '{"by": "ada"}' --id click-1 --keep 1h
    """
    from tarry_dev.cli.event_input import json_value
    from tarry_dev.cli.signal import send_signal

    try:
        value = json_value(data)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="DATA") from error
    send_signal(name, value, signal_id, keep, stack, as_json)
