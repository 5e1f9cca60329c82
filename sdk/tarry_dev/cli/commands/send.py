"""The command ``tarry send``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["send"]


def send(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The event's name, such as app/ping.")] = None,
    data: Annotated[str, typer.Argument(metavar="DATA", help="Its data, a JSON object.")] = "{}",
    file: Annotated[
        Path | None, typer.Option(help="Send the event of each line, a JSON object. - is standard input.")
    ] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="The event's id. The same name and id start a function once.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="The user whom it concerns, a JSON object.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait, at most 10 seconds, to say what the event did.")
    ] = True,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send an event, or a file of events.

    A line of the file is {"name": ..., "data": {...}}, and optionally id, user, ts; or an entry as put-events takes it:
    Source, DetailType, Detail. tarry demo and host.play in tests take the same file.

    It says what the event did: the runs that it started, resumed and cancelled. If it did nothing, it says why: as
    tarry event does. Of a file with more than 10 events it says only their number.

    --json writes {"ids": [...], "receipts": [...]}: those of tarry event, null for one that the matcher has not
    processed in time. With --no-wait, and of a larger file, there are no receipts.

    \b
    Examples:
      tarry send app/account.created '{"userId": "u-1", "email": "ada@shop.test"}'
      tarry send order/paid '{"orderId": 7}' --id payment-7 --user '{"id": "u-1"}'
      tarry send --file events.jsonl
    """
    from tarry_dev.cli.event_input import event
    from tarry_dev.cli.send import send_events
    from tarry_dev.event_file import Sent, read_events

    if (name is None) == (file is None):
        raise typer.BadParameter("give either the NAME of an event or a --file of events")
    if file is not None:
        send_events(read_events(file), stack, as_json, wait)
    elif name is not None:
        about = None if user is None else _object("--user", user)
        send_events([Sent(event(name, _object("DATA", data), event_id, about))], stack, as_json, wait)


def _object(argument: str, text: str) -> dict[str, Any]:
    from tarry_dev.cli.event_input import json_object

    try:
        return json_object(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=argument) from error
