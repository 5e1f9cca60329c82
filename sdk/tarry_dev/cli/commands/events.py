"""The command ``tarry events``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Full, Limit, Stack  # noqa: TC001 - typer reads them

__all__ = ["events"]


def events(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only events of this name.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 90s, 1h30m, 7d.")] = "1h",
    sql: Annotated[str | None, typer.Option(metavar="QUERY", help="Query the audit trail instead, in SQL.")] = None,
    limit: Limit = 50,
    stack: Stack = None,
    as_json: AsJson = False,
    full: Full = False,
) -> None:
    """List the newest events of the bus, whether or not a run waited for them.

    Without a NAME it reads the whole table, up to 200 MB: for a large table, give a name.

    --sql queries the audit trail, a table events: received, time, name, source, id, data, user_data (JSON as
    text), eventbridge_id, account, region, resources, day. With tarry dev, it has an event after a second, and
    stays when tarry dev ends. With a stack, Athena answers, and has an event after about six minutes.

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
        show_events(name, since, limit, stack, as_json, full)
    elif name is not None:
        raise typer.BadParameter("give either the NAME of an event or --sql: a query names its own events")
    else:
        show_answer(sql, stack, as_json)
