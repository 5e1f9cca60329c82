"""The audit trail of the embedded cloud: files as the stack's Firehose writes them."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import duckdb
import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.events.audit_row import COLUMNS
from tarry_dev.cli.audit_query import ask_folder
from tarry_dev.cloud import Cloud, RealClock
from tarry_dev.cloud.audit import Audit
from tests.functional.serving import eventually

KINDS = {"string": "VARCHAR", "timestamp": "TIMESTAMP"}


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.*"))


def test_each_day_has_a_folder_and_each_file_the_columns(tmp_path: Path) -> None:
    with Cloud(App("shop"), audit=tmp_path) as cloud:
        cloud.send(Event("order/placed", {"id": 1}))
        cloud.advance("1d")
        cloud.send([Event("order/paid", {"id": 1}), Event("order/paid", {"id": 2})])
    assert [file.parent.relative_to(tmp_path).as_posix() for file in files(tmp_path)] == [
        "events/day=2026-01-05",
        "events/day=2026-01-06",
    ]
    for file, names in zip(files(tmp_path), (["order/placed"], ["order/paid"] * 2), strict=True):
        assert file.suffix == ".parquet"
        with duckdb.connect() as connection:
            found = connection.read_parquet(str(file))
            assert list(zip(found.columns, map(str, found.types), strict=True)) == [
                (column.name, KINDS[column.type]) for column in COLUMNS
            ]
            assert [name for (name,) in found.select("name").fetchall()] == names


def test_runs_ends_are_in_the_trail(tmp_path: Path) -> None:
    app = App("shop")

    @app.create_function(fn_id="greet", trigger=TriggerEvent(event="order/placed"))
    async def greet(ctx: Context) -> str:
        return "hello"

    with Cloud(app, audit=tmp_path) as cloud:
        cloud.send(Event("order/placed"))
        cloud.pump()
    answer = ask_folder(
        tmp_path,
        "select json_extract_scalar(data, '$.function_id'), json_extract_scalar(data, '$.result')"
        " from events where name = 'tarry/function.finished'",
    )
    assert answer.rows == [["greet", "hello"]]


def test_a_served_cloud_writes_while_it_runs(tmp_path: Path) -> None:
    with Cloud(App("shop"), clock=RealClock(), audit=tmp_path) as cloud, cloud.serve() as server:
        urlopen(Request(f"{server.url}/events", json.dumps({"name": "order/placed"}).encode()), timeout=10).close()
        assert eventually(lambda: files(tmp_path))
    assert ask_folder(tmp_path, "select name from events").rows == [["order/placed"]]


def test_what_cannot_be_written_is_kept_until_it_can(tmp_path: Path) -> None:
    audit = Audit(tmp_path, RealClock())
    audit.take({"detail-type": "order/placed"})
    (tmp_path / "events").write_text("in the way")
    with pytest.raises(OSError, match="events"):
        audit.flush()
    audit.take({"detail-type": "order/paid"})
    (tmp_path / "events").unlink()
    audit.flush()
    audit.flush()
    assert len(files(tmp_path)) == 1
    assert ask_folder(tmp_path, "select name from events").rows == [["order/placed"], ["order/paid"]]


def test_a_cloud_without_a_trail_loads_no_duckdb() -> None:
    code = """if True:
        import sys
        from tarry import App, Event
        from tarry_dev.cloud import Cloud
        with Cloud(App("shop")) as cloud:
            cloud.send(Event("order/placed"))
            cloud.pump()
        print("duckdb" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"
