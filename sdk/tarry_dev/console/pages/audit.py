"""The page that asks the audit trail by SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_dev.console.source import PageError
from tarry_dev.console.visit import Page

if TYPE_CHECKING:
    from tarry_dev.console.visit import Visit

__all__ = ["show"]

_ROWS = 500
_LONGEST = 10_000

ASK = ("athena:StartQueryExecution",)

EXAMPLES = (
    ("Events by name", "select name, count(*) as events from events group by 1 order by 2 desc"),
    ("The last events", "select received, name, source, data from events order by received desc limit 20"),
    (
        "Events by hour",
        "select date_trunc('hour', received) as hour, count(*) as events from events group by 1 order by 1",
    ),
)


def show(visit: Visit) -> Page:
    """Show the query and its answer."""
    sql = visit.arg("sql")
    if len(sql) > _LONGEST:
        raise PageError(400, f"A query has at most {_LONGEST:,} characters.")
    answer, problem = None, ""
    if (
        sql
        and visit.source.ask is not None
        and not visit.is_from_elsewhere
        and not (problem := visit.why_not_ask(*ASK))
    ):
        try:
            found = visit.source.ask(sql)
            answer = {"columns": found.columns, "rows": found.rows[:_ROWS], "count": len(found.rows)}
        except PageError as error:
            problem = str(error)
    context = {
        "sql": sql,
        "answer": answer,
        "problem": problem,
        "is_there": visit.source.ask is not None,
        "examples": [list(each) for each in EXAMPLES],
        "most": _ROWS,
        "is_local": visit.source.is_local,
    }
    return Page("sql.html", "SQL", "sql", context)
