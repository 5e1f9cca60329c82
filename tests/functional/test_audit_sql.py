"""``tarry events --sql``: queries that Athena takes, on the files of a ``tarry dev`` that has ended."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tarry import App
from tarry_dev.cli.commands.registry import app as commands
from tarry_dev.cloud import Cloud
from tests.e2e.audit_queries import COUNT, ENTRIES, QUERIES, Query


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which tarry dev has run."""
    folder = tmp_path_factory.mktemp("served")
    with Cloud(App("shop"), audit=folder / ".tarry/audit") as cloud:
        cloud.put_events(ENTRIES)  # type: ignore[arg-type]
        cloud.pump()
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "below").mkdir(exist_ok=True)
    monkeypatch.chdir(folder / "below")
    monkeypatch.setenv("COLUMNS", "120")


def ask(sql: str, *options: str) -> Result:
    return CliRunner().invoke(commands, ["events", "--sql", sql, *options], catch_exceptions=False)


def answer(sql: str) -> Any:
    result = ask(sql, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(sql: str) -> str:
    result = ask(sql)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.story)
def test_the_embedded_clouds_files_answer(query: Query) -> None:
    assert answer(query.sql)["rows"] == query.rows


def test_all_of_them_are_there() -> None:
    assert answer(COUNT)["rows"] == [[len(ENTRIES)]]


def test_people_get_a_table() -> None:
    result = ask("select name, count(*) as number, max(user_data) as whom from events group by 1 order by 2 desc")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["name", "number", "whom"]
    assert ["audit/paid", "3"] in lines
    assert ask("select name from events where name = 'other'").stdout == "the query found nothing\n"


def test_values_are_what_json_has_and_times_are_utc() -> None:
    found = answer(
        "select 1, 1, 0.5e0, true, null, 'é', timestamp '2026-01-05 12:00:00', date '2026-01-05',"
        " timestamp '2026-01-05 12:00:00' at time zone 'UTC' from events limit 1; -- the end"
    )
    assert found["rows"] == [
        [1, 1, 0.5, True, None, "é", "2026-01-05 12:00:00.000", "2026-01-05", "2026-01-05 12:00:00.000"]
    ]
    assert len(found["columns"]) == 9


def test_wrong_sql_is_told_with_what_there_is() -> None:
    assert 'error: the query failed: Binder Error: Referenced column "nam" not found' in refusal(
        "select nam from events"
    )
    assert "Parser Error" in refusal("select from from events")
    assert "Table with name runs does not exist" in refusal("select * from runs")


@pytest.mark.parametrize(
    "sql",
    [
        "drop table events",
        "  -- select\n delete from events",
        "/* select */ copy events to 'stolen.csv'",
        "insert into events (name) values ('x')",
        "set threads = 1",
        "attach 'x.db'",
        "",
    ],
)
def test_a_query_only_reads(sql: str) -> None:
    assert "error: --sql only reads: begin with one of describe, select, show, values, with, not with" in refusal(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{file}')",
        "select * from '{file}'",
        "select * from glob('{file}')",
        "with x as (select 1) select * from read_csv('{file}')",
    ],
)
def test_a_query_reaches_no_file(sql: str, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("secret\n1\n")
    assert "error: the query failed:" in refusal(sql.format(file=file))
    assert file.read_text() == "secret\n1\n"


@pytest.mark.parametrize("more", ["copy events to 'stolen.csv'", "set enable_external_access = true", "select 2"])
def test_a_query_comes_alone(more: str) -> None:
    assert "error: --sql takes one query, not 2" in refusal(f"select 1; {more}")


def test_a_name_and_a_query_contradict_each_other() -> None:
    result = CliRunner().invoke(commands, ["events", "audit/paid", "--sql", "select 1"])
    assert result.exit_code == 2
    assert "--sql" in result.stderr


def test_without_a_trail_it_is_said_who_writes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no audit trail in" in refusal("select 1")


def test_a_trail_without_files_is_empty_and_has_its_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".tarry/audit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = answer("select * from events")
    assert found["rows"] == []
    assert {"name", "data", "received", "day"} <= set(found["columns"])
