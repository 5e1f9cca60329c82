"""A deployed stack's trail: Athena's answer in DuckDB's form. moto's Athena says what it is told to."""

from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.athena.models import QueryResults, athena_backends

from tarry_dev.cli import athena_query
from tarry_dev.cli.athena_query import ask_athena as ask
from tarry_dev.cli.audit_query import Answer
from tarry_dev.cli.errors import CommandError

COLUMNS = [("name", "varchar"), ("number", "bigint"), ("share", "double"), ("late", "boolean"), ("price", "decimal")]


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setattr(athena_query, "_PAUSE", 0.01)


def told(*rows: list[str | None]) -> None:
    """What Athena will answer: texts, and nothing for what is null."""
    data = [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in rows]
    info: list[dict[str, Any]] = [{"Name": name, "Type": kind} for name, kind in COLUMNS]
    backend = athena_backends["123456789012"]["us-east-1"]
    backend.query_results_queue.append(QueryResults(rows=data, column_info=info))


def test_values_are_of_their_columns_types_and_the_row_of_names_is_none() -> None:
    with mock_aws():
        told(["name", "number", "share", "late", "price"], ["app/ping", "3", "0.5", "true", "1.50"], [None] * 5)
        answer = ask("primary", "tarry_shop", "select * from events")
    rows: list[list[Any]] = [["app/ping", 3, 0.5, True, "1.50"], [None] * 5]
    assert answer == Answer(["name", "number", "share", "late", "price"], rows)


def test_the_query_is_asked_in_the_stacks_workgroup_and_database() -> None:
    with mock_aws():
        athena = boto3.client("athena")
        athena.create_work_group(Name="tarry-shop")
        ask("tarry-shop", "tarry_shop", "with x as (select 1) select * from x")
        [query] = athena.list_query_executions()["QueryExecutionIds"]
        execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    assert (execution["WorkGroup"], execution["QueryExecutionContext"]) == ("tarry-shop", {"Database": "tarry_shop"})


def test_what_might_write_is_not_even_sent() -> None:
    with mock_aws():
        with pytest.raises(CommandError, match="--sql only reads"):
            ask("tarry-shop", "tarry_shop", "drop table events")
        assert athena_backends["123456789012"]["us-east-1"].executions == {}
