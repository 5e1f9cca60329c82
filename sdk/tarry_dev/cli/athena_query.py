"""A query on a deployed stack's audit trail, answered by Athena."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tarry_dev.cli.audit_query import Answer, check_reads
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionStatusTypeDef as Status

__all__ = ["ask_athena"]

_PAUSE = 0.5
"""Seconds between two checks of the query: the quickest queries take one or two seconds."""

_CASTS: dict[str, Callable[[str], Any]] = {
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "float": float,
    "double": float,
    "boolean": lambda text: text == "true",
}
"""Athena answers in text. Other types, such as decimals and times, stay text."""


def ask_athena(workgroup: str, database: str, sql: str) -> Answer:
    """Query the table ``events`` of the stack with these outputs, and wait for the answer.

    Raises:
        CommandError: The query failed: wrong SQL, or more to read than the workgroup allows.
    """
    import boto3

    check_reads(sql)
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=workgroup
    )
    query = started["QueryExecutionId"]
    status = _end(athena, query)
    if status["State"] != "SUCCEEDED":
        raise CommandError(f"the query failed: {status.get('StateChangeReason', status['State'])}")
    return _answer(athena, query)


def _end(athena: AthenaClient, query: str) -> Status:
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in {"QUEUED", "RUNNING"}:
            return status
        time.sleep(_PAUSE)


def _answer(athena: AthenaClient, query: str) -> Answer:
    columns: list[str] = []
    types: list[str] = []
    rows: list[list[str | None]] = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=query):
        described = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns, types = [each["Name"] for each in described], [each["Type"] for each in described]
        rows += [[datum.get("VarCharValue") for datum in row["Data"]] for row in page["ResultSet"]["Rows"]]
    # The first row of a select has the column names; that of a show does not.
    if rows and rows[0] == columns:
        del rows[0]
    return Answer(columns, [_values(row, types) for row in rows])


def _values(row: Sequence[str | None], types: Sequence[str]) -> list[Any]:
    return [None if text is None else _CASTS.get(kind, str)(text) for text, kind in zip(row, types, strict=True)]
