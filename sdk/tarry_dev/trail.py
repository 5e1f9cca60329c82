"""The audit trail's table in DuckDB, by which its files are written and read. Apart from the cloud, for the command
that reads needs none."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tarry_backend.events.audit_row import COLUMNS, EVENTS, PARTITION, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from tarry_backend.events.audit_row import Row

__all__ = ["loaded", "write"]

_TYPES = {"string": "VARCHAR", "timestamp": "TIMESTAMP"}


def write(file: Path, rows: Sequence[Row]) -> None:
    """Writes the rows as one Parquet file."""
    with _table() as connection:
        # A parameter a column: row by row DuckDB takes a thousand times as long.
        values = ", ".join(f"unnest(CAST(? AS {_TYPES[column.type]}[]))" for column in COLUMNS)
        texts = [[row[column.name] for row in rows] for column in COLUMNS]
        connection.execute(f"INSERT INTO {TABLE} SELECT {values}", texts)
        connection.table(TABLE).write_parquet(str(file), compression="snappy")


@contextmanager
def loaded(folder: Path) -> Iterator[DuckDBPyConnection]:
    """A database whose table ``events`` holds the trail in the folder. It can reach no file, and no net."""
    files = folder / EVENTS / "*/*.parquet"
    with _table() as connection:
        connection.execute(f"ALTER TABLE {TABLE} ADD COLUMN {PARTITION} VARCHAR")
        if any((folder / EVENTS).glob("*/*.parquet")):
            connection.execute(
                f"INSERT INTO {TABLE} BY NAME SELECT * FROM read_parquet(?, hive_partitioning = true,"
                f" hive_types = {{'{PARTITION}': VARCHAR}}, union_by_name = true)",
                [str(files)],
            )
        connection.execute("SET TimeZone = 'UTC'; SET enable_external_access = false")
        yield connection


@contextmanager
def _table() -> Iterator[DuckDBPyConnection]:
    import duckdb  # only now: a cloud without a trail, and the other commands, do without

    # DuckDB would otherwise fetch from its makers' servers what a query asks for and it lacks.
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        columns = ", ".join(f'"{column.name}" {_TYPES[column.type]}' for column in COLUMNS)
        connection.execute(f"CREATE TABLE {TABLE} ({columns})")
        yield connection
