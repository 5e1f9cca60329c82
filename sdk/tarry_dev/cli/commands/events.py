"""The command ``tarry events``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Limit, Stack  # noqa: TC001 - typer reads them

__all__ = ["events"]


def events(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only those of this name.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 90s, 1h30m, 7d.")] = "1h",
    sql: Annotated[str | None, typer.Option(metavar="QUERY", help="Ask the audit trail instead, in SQL.")] = None,
    limit: Limit = 50,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the newest events that came over the bus, whether somebody waited for them or not.

    Without a NAME it reads the table through, up to 200 MB of it: on a large one, give a name.

    --sql asks the audit trail, a table events: received, time, name, source, id, data, user_data (JSON as
    text), eventbridge_id, account, region, resources, day. An event is in it a second after it came, in a
    stack's, which Athena asks, some six minutes after. It stays when tarry dev ends.

    --json writes {"events": [...]}, each with received, id, name, data, ts, user, source; with --sql
    {"columns": [...], "rows": [[...]]}.

    \b
    Examples:
      tarry events
      tarry events app/account.created --since 1d --json | jq '.events[].data'
      tarry events --sql "select name, count(*) from events group by 1 order by 2 desc"
    """
    from tarry_dev.cli.events import show_answer, show_events

    if sql is None:
        show_events(name, since, limit, stack, as_json)
    elif name is not None:
        raise typer.BadParameter("give the NAME of an event, or --sql: a query names its own")
    else:
        show_answer(sql, stack, as_json)
