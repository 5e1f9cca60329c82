"""The audit trail of ``tarry dev``, queried in SQL with DuckDB; the answer of both DuckDB and Athena."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tarry_dev.cli.endpoint import FILE
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.screen import table
from tarry_dev.trail import loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from rich.table import Table

__all__ = ["FOLDER", "Answer", "answer_table", "ask_folder", "check_reads", "find_folder"]

FOLDER = FILE.parent / "audit"
"""The trail's folder, inside the folder in which ``tarry dev`` runs. It stays when ``tarry dev`` ends."""

_READING = {"select", "with", "values", "show", "describe"}

_OPENING = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\w*)", re.DOTALL)
"""Space, brackets and comments, up to the first word."""

_ZONED = "TIMESTAMP WITH TIME ZONE"

_DIALECT = """
CREATE MACRO json_extract_scalar(document, path) AS
CASE WHEN json_type(document, path) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(document, path) END
"""
"""JSON functions that Athena has, and DuckDB under another name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows: text, numbers, booleans or ``None``. Times are text: ``2026-11-22 09:30:00.000``, UTC."""

    columns: list[str]
    rows: list[list[Any]]

    def document(self) -> dict[str, Any]:
        """Return it as ``--json`` writes it. Two columns may have one name, so a row is a list."""
        return {"columns": self.columns, "rows": self.rows}


def find_folder() -> Path:
    """Return the trail of the ``tarry dev`` in this folder or the nearest above, running or ended."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (found := folder / FOLDER).is_dir():
            return found
    raise CommandError(
        f"there is no audit trail in {here} or above it (looked for {FOLDER}): tarry dev writes it with the first event"
    )


def check_reads(sql: str) -> None:
    """Raise ``CommandError`` for a statement that may write: Athena would execute it."""
    opening = _OPENING.match(sql)
    word = opening[1] if opening else ""
    if word.lower() not in _READING:
        raise CommandError(
            f"--sql only reads: begin with one of {', '.join(sorted(_READING))}, not with {word or 'nothing'!r}"
        )


def ask_folder(folder: Path, sql: str) -> Answer:
    """Query the files in the folder as one table, ``events``; raise ``CommandError`` if the query is wrong."""
    import duckdb

    check_reads(sql)
    with loaded(folder) as connection:
        connection.execute(_DIALECT)
        connection.execute("SET lock_configuration = true")
        try:
            return _ask(connection, sql)
        except duckdb.Error as error:
            raise CommandError(f"the query failed: {error}") from error


def answer_table(answer: Answer) -> Table:
    """Return the answer as a table. A null is empty."""
    made = table(*answer.columns)
    for row in answer.rows:
        made.add_row(*("" if value is None else Text(str(value)) for value in row))
    return made


def _ask(connection: DuckDBPyConnection, sql: str) -> Answer:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise CommandError(f"--sql takes one query, not {len(statements)}")
    found = connection.execute(statements[0])
    columns = [(str(name), str(kind)) for name, kind, *_ in found.description or []]
    if any(kind == _ZONED for _, kind in columns):
        found = _without_zones(connection, sql, [kind for _, kind in columns])
    return Answer([name for name, _ in columns], [[_plain(value) for value in row] for row in found.fetchall()])


def _without_zones(connection: DuckDBPyConnection, sql: str, kinds: Sequence[str]) -> DuckDBPyConnection:
    """Return the answer with plain times, in UTC: for other times DuckDB needs one more library."""
    names = [f"c{place}" for place in range(len(kinds))]
    values = [f"CAST({name} AS TIMESTAMP)" if kind == _ZONED else name for name, kind in zip(names, kinds, strict=True)]
    connection.execute(f"CREATE TEMP TABLE answer ({', '.join(names)}) AS {sql}")
    return connection.execute(f"SELECT {', '.join(values)} FROM answer")


def _plain(value: Any) -> Any:
    """Return the value as Athena's client shows it, if JSON has no form for it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
    if hasattr(value, "hour") and hasattr(value, "year"):
        return value.isoformat(" ", "milliseconds")
    return str(value)
