"""``tarry dev`` with several apps: a process for each, one bus, one set of commands."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, ask, document, eventually, succeed

SHOP = """
import tarry

app = tarry.App("shop")

@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="shop/ordered"))
async def order(ctx: tarry.Context) -> str:
    same = "async.data.id == event.data.id"
    paid = await ctx.step.wait_for_event("paid", event="billing/paid", timeout="2d", if_exp=same)
    return "nobody paid" if paid is None else f"{paid.source} {paid.data['amount']}"
"""

BILLING = """
import os
import tarry

app = tarry.App("billing")
AMOUNT = 7

@app.create_function(fn_id="bill", trigger=tarry.TriggerEvent(event="shop/ordered"))
async def bill(ctx: tarry.Context) -> str:
    await ctx.step.sleep("terms", ctx.event.data.get("terms", 1))
    paid = tarry.Event("billing/paid", {"id": ctx.event.data["id"], "amount": AMOUNT})
    await ctx.step.send_event("pay", paid)
    return "billed"
"""


def _rows(*command: str) -> list[list[Any]]:
    """The rows that a query prints; none if it fails, as before the first event."""
    try:
        rows = json.loads(succeed(*command))["rows"]
    except AssertionError:
        return []
    return [list(row.values()) if isinstance(row, dict) else row for row in rows]


def test_an_event_of_one_apps_step_wakes_a_wait_of_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _both(tmp_path, monkeypatch) as dev:
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        assert eventually(lambda: _outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}

        # Each app has had each event once, with its source and id; lists have it once. Its own runs' ends stay with it.
        events = document("events")["events"]
        sent = {each["name"]: each for each in events if not each["name"].startswith("tarry/")}
        assert {name: each["source"] for name, each in sent.items()} == {
            "shop/ordered": "tarry.shop",
            "billing/paid": "tarry.billing",
        }
        assert len(events) == 4
        for app in ("shop", "billing"):
            of_app = document("events", "--app", app)["events"]
            assert sorted(each["id"] for each in of_app if each["source"] != f"tarry.{app}") == [
                each["id"] for each in sent.values() if each["source"] != f"tarry.{app}"
            ]
            assert len(of_app) == 3
        query = ("events", "--sql", "select count(*) from events where name = 'billing/paid'", "--json")
        eventually(lambda: _rows(*query) == [[1]])  # the trail is written a moment later

        shown = succeed("runs")
        assert "shop: order" in shown
        assert "billing: bill" in shown
        assert [run["function"] for run in document("runs", "--app", "billing")["runs"]] == ["bill"]
        billed = next(run["id"] for run in document("runs")["runs"] if run["app"] == "billing")
        assert "app billing" in succeed("run", billed[:8])
        assert document("run", billed)["app"] == "billing"

        receipt = document("event", sent["shop/ordered"]["id"])
        assert {each["function"] for each in receipt["started"]} == {"order", "bill"}
    assert dev.stop() == 0
    lines = dev.output.splitlines()
    assert any(line.startswith("shop ") and "resumed by billing/paid" in line for line in lines)
    assert any(line.startswith("billing ") and "finished" in line for line in lines)
    assert "Traceback" not in dev.output


def test_an_event_put_at_any_address_reaches_both_with_its_id_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _both(tmp_path, monkeypatch):
        entry = {"Source": "till", "DetailType": "till/closed", "Detail": "{}", "Time": "2026-01-05T12:00:00Z"}
        (tmp_path / "till.jsonl").write_text(json.dumps(entry))
        succeed("send", "--file", "till.jsonl", "--no-wait")
        shop, billing = (eventually(partial(_closed, app)) for app in ("shop", "billing"))
        assert shop == billing
        assert shop is not None
        assert shop[::2] == ("till", "2026-01-05T12:00:00.000Z")

        _post(_urls(tmp_path)["billing"], "/events", {"name": "shop/ordered", "data": {"id": 2}})
        assert eventually(lambda: _outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}

        billed = next(run["id"] for run in document("runs")["runs"] if run["app"] == "billing")
        succeed("rerun", billed)  # the app that has the run starts it again
        assert eventually(lambda: _outputs(3))
        assert sorted(run["app"] for run in document("runs")["runs"]) == ["billing", "billing", "shop"]


def test_an_app_that_is_killed_leaves_the_others_alone_and_gets_its_events_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _both(tmp_path, monkeypatch) as dev:
        os.kill(_pids(tmp_path)["billing"], signal.SIGKILL)
        eventually(lambda: "billing ended by itself, with exit code -9; the others go on" in dev.output)
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
    assert dev.stop() == 1

    with _both(tmp_path, monkeypatch):
        assert eventually(lambda: _outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}
    with _both(tmp_path, monkeypatch, "--fresh", "--port", str(port := _two_free_ports())):
        assert document("runs")["runs"] == []
        assert _urls(tmp_path) == {
            "shop": f"http://localhost:{port}",
            "billing": f"http://localhost:{port + 1}",
        }


def test_what_is_of_one_app_asks_for_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _both(tmp_path, monkeypatch):
        for command in (["signal", "approval/1"], ["dlq", "ls"]):
            assert "--app" in ask(*command).stderr
            assert "--app" not in ask(*command, "--app", "billing").stderr
        assert "serves no app 'depot' now; it serves shop, billing" in ask("runs", "--app", "depot").stderr
        assert ask("runs", "--app", "shop", "--stack", "x").exit_code == 2

        succeed("send", "shop/ordered", '{"id": 1, "terms": "1h"}', "--no-wait")
        waiting = eventually(lambda: document("waits")["waits"])[0]
        assert waiting["app"] == "shop"
        assert document("cancel", waiting["run"])["status"] == "cancelled"

        again = Dev("shop:app", tmp_path, wait=False)
        assert again.stop(signal.SIGCONT) == 1
        assert "a tarry dev already runs in this folder, app shop" in again.output


def test_time_moves_for_all_apps_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _both(tmp_path, monkeypatch):
        succeed("send", "shop/ordered", '{"id": 1, "terms": "1d"}', "--no-wait")
        eventually(lambda: document("waits")["waits"] and len(document("runs")["runs"]) == 2)
        # billing pays after a day, and shop waits for two: were shop moved first, its wait would time out.
        assert "shop, billing: moved 3 d;" in succeed("advance", "3d")
        assert _outputs(2) == {"shop": "tarry.billing 7", "billing": "billed"}

        assert "there is no next timer in shop, billing" in ask("advance", "--next").stderr
        succeed("send", "shop/ordered", '{"id": 2, "terms": "1d"}', "--no-wait")
        eventually(lambda: document("waits")["waits"] and len(document("runs")["runs"]) == 4)
        assert document("advance", "--next")["moved"] > 80_000_000  # billing's: shop's is a day later
        assert _outputs(4)


def test_new_code_and_a_restart_keep_both_apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _both(tmp_path, monkeypatch) as dev:
        before = _urls(tmp_path)
        succeed("send", "shop/ordered", '{"id": 1, "terms": "20s"}', "--no-wait")
        eventually(lambda: document("waits")["waits"] and len(document("runs")["runs"]) == 2)
        _write(tmp_path / "billing.py", BILLING.replace("AMOUNT = 7", "AMOUNT = 8"))
        eventually(lambda: "new code" in dev.output)
        eventually(lambda: _is_up("billing"))
        assert _urls(tmp_path) == before
    assert dev.stop(signal.SIGTERM) == 0

    with _both(tmp_path, monkeypatch, written=False):
        assert len(document("runs")["runs"]) == 2
        succeed("advance", "1m")
        assert eventually(lambda: _outputs(2)) == {"shop": "tarry.billing 8", "billing": "billed"}


def test_an_app_that_does_not_import_gets_its_events_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "shop.py", SHOP)
    _write(tmp_path / "billing.py", "1 / 0\n")
    dev = Dev("shop:app", tmp_path, "billing:app")
    try:
        eventually(lambda: "fix it, I am watching" in dev.output and _is_up("shop"))
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
        _write(tmp_path / "billing.py", BILLING)
        assert eventually(lambda: _is_up("billing") and _outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}
    finally:
        assert dev.stop() == 0
    assert any(line.startswith("billing:app") and "ZeroDivisionError" in line for line in dev.output.splitlines())


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (["shop:app", "shop:app"], "'shop:app' is given twice"),
        (["shop:app", "same:app"], "are both app 'shop': give one of them another id"),
        (["shop:app", "nowhere:app"], "nowhere"),
    ],
)
def test_apps_that_cannot_be_served_together_are_refused(
    targets: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "shop.py", SHOP)
    _write(tmp_path / "same.py", SHOP)
    dev = Dev(targets[0], tmp_path, *targets[1:], wait=False)
    assert dev.stop(signal.SIGCONT) == 1
    assert says in dev.output
    assert not (tmp_path / ".tarry/dev.json").exists()


def test_apps_that_name_different_buses_do_not_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "shop.py", SHOP)
    _write(tmp_path / "billing.py", BILLING.replace('App("billing")', 'App("billing", bus="money")'))
    dev = Dev("shop:app", tmp_path, "billing:app")
    try:
        eventually(lambda: _is_up("shop") and _is_up("billing"))
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
        succeed("advance", "1h")  # by then each app has taken what is for it
        assert [run["app"] for run in document("runs")["runs"]] == ["shop"]
    finally:
        assert dev.stop() == 0


def test_the_apps_end_when_the_command_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _both(tmp_path, monkeypatch) as dev:
        members = list(_pids(tmp_path).values())
        assert len(members) == 2
        dev.stop(signal.SIGKILL)
        eventually(lambda: not any(map(_lives, members)))


@contextmanager
def _both(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, written: bool = True) -> Iterator[Dev]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    if written:
        _write(folder / "shop.py", SHOP)
        _write(folder / "billing.py", BILLING)
    dev = Dev("shop:app", folder, "billing:app", *options)
    try:
        eventually(lambda: _is_up("shop") and _is_up("billing"))
        yield dev
    finally:
        if dev.is_running:
            dev.stop()


def _write(file: Path, text: str) -> None:
    """As an editor does: a new file takes the place of the old one."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _is_up(app: str) -> bool:
    return ask("runs", "--app", app).exit_code == 0


def _urls(folder: Path) -> dict[str, str]:
    found = [json.loads(file.read_text()) for file in folder.glob(".tarry/dev-*.json")]
    return {each["app"]: each["url"] for each in found}


def _pids(folder: Path) -> dict[str, int]:
    found = [json.loads(file.read_text()) for file in folder.glob(".tarry/dev-*.json")]
    return {each["app"]: each["pid"] for each in found}


def _two_free_ports() -> int:
    for port in range(20_000, 30_000, 7):
        with suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two ports are free")


def _outputs(count: int) -> dict[str, Any]:
    """What the apps' newest runs have returned, once there are so many runs, and all have ended."""
    runs = document("runs")["runs"]
    is_over = len(runs) == count and all(run["status"] == "finished" for run in runs)
    return {run["app"]: run["output"] for run in reversed(runs)} if is_over else {}


def _closed(app: str) -> tuple[str, str, str] | None:
    events = document("events", "till/closed", "--app", app)["events"]
    return next(((each["source"], each["id"], each["ts"]) for each in events), None)


def _post(url: str, path: str, body: object) -> None:
    with urllib.request.urlopen(f"{url}{path}", json.dumps(body).encode()) as answer:
        assert answer.status == 200


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
