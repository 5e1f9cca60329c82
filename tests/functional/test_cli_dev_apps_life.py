"""``tarry dev`` with several apps begins, takes up new code, and ends: also one app alone, and also by a kill."""

import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.functional.serving import Dev, document, eventually, succeed
from tests.functional.two_apps import BILLING, SHOP, both, is_up, outputs, urls, write


def test_an_app_that_is_killed_leaves_the_others_alone_and_gets_its_events_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with both(tmp_path, monkeypatch) as dev:
        os.kill(_pids(tmp_path)["billing"], signal.SIGKILL)
        eventually(lambda: "billing ended by itself, with exit code -9; the others go on" in dev.output)
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
    assert dev.stop() == 1

    with both(tmp_path, monkeypatch):
        assert eventually(lambda: outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}
    with both(tmp_path, monkeypatch, "--fresh", "--port", str(port := _two_free_ports())):
        assert document("runs")["runs"] == []
        assert urls(tmp_path) == {
            "shop": f"http://localhost:{port}",
            "billing": f"http://localhost:{port + 1}",
        }


def test_new_code_and_a_restart_keep_both_apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with both(tmp_path, monkeypatch) as dev:
        before = urls(tmp_path)
        succeed("send", "shop/ordered", '{"id": 1, "terms": "20s"}', "--no-wait")
        eventually(lambda: document("waits")["waits"] and len(document("runs")["runs"]) == 2)
        write(tmp_path / "billing.py", BILLING.replace("AMOUNT = 7", "AMOUNT = 8"))
        eventually(lambda: "new code" in dev.output)
        eventually(lambda: is_up("billing"))
        assert urls(tmp_path) == before
    assert dev.stop(signal.SIGTERM) == 0

    with both(tmp_path, monkeypatch, written=False):
        assert len(document("runs")["runs"]) == 2
        succeed("advance", "1m")
        assert eventually(lambda: outputs(2)) == {"shop": "tarry.billing 8", "billing": "billed"}


def test_an_app_that_does_not_import_gets_its_events_once_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "shop.py", SHOP)
    write(tmp_path / "billing.py", "1 / 0\n")
    dev = Dev("shop:app", tmp_path, "billing:app")
    try:
        eventually(lambda: "fix it, I am watching" in dev.output and is_up("shop"))
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
        write(tmp_path / "billing.py", BILLING)
        assert eventually(lambda: is_up("billing") and outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}
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
    write(tmp_path / "shop.py", SHOP)
    write(tmp_path / "same.py", SHOP)
    dev = Dev(targets[0], tmp_path, *targets[1:], wait=False)
    assert dev.stop(signal.SIGCONT) == 1
    assert says in dev.output
    assert not (tmp_path / ".tarry/dev.json").exists()


def test_apps_that_name_different_buses_do_not_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "shop.py", SHOP)
    write(tmp_path / "billing.py", BILLING.replace('App("billing")', 'App("billing", bus="money")'))
    dev = Dev("shop:app", tmp_path, "billing:app")
    try:
        eventually(lambda: is_up("shop") and is_up("billing"))
        succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
        eventually(lambda: document("waits")["waits"])
        succeed("advance", "1h")  # by then each app has taken what is for it
        assert [run["app"] for run in document("runs")["runs"]] == ["shop"]
    finally:
        assert dev.stop() == 0


def test_the_apps_end_when_the_command_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with both(tmp_path, monkeypatch) as dev:
        members = list(_pids(tmp_path).values())
        assert len(members) == 2
        dev.stop(signal.SIGKILL)
        eventually(lambda: not any(map(_lives, members)))


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


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
