"""``tarry dev`` and its end: what it keeps, also when it is killed."""

import json
import shutil
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, document, eventually, succeed

HUNDRED = """
import time, uuid
import tarry

app = tarry.App("shop")

def note(step, order, token):
    with open("ran.txt", "a") as file:
        file.write(f"{step} {order} {token}\\n")

def charge(order):
    token = uuid.uuid4().hex
    note("charge", order, token)
    return token

def ship(order, token):
    note("ship", order, token)
    time.sleep(0.02)

@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"))
async def order(ctx: tarry.Context) -> str:
    token = await ctx.step.run("charge", charge, ctx.event.data["id"])
    await ctx.step.run("ship", ship, ctx.event.data["id"], token)
    await ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="3d")
    return token
"""


def test_a_hundred_runs_end_well_after_a_kill_and_no_stored_step_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(HUNDRED)
    monkeypatch.chdir(tmp_path)
    placed = [{"name": "order/placed", "data": {"id": number}} for number in range(100)]
    paid = [{"name": "order/paid", "data": {"id": number}} for number in range(100)]
    ran = tmp_path / "ran.txt"

    dev = Dev("mine:app", tmp_path)
    _send(placed)
    eventually(lambda: ran.exists() and len(ran.read_text().splitlines()) > 90)
    dev.stop(signal.SIGKILL)
    assert len(ran.read_text().splitlines()) < 200, "it was killed too late to show anything"

    dev = Dev("mine:app", tmp_path)
    try:
        # A wait sees what comes after the last step before it began.
        eventually(lambda: len(document("waits", "--limit", "200")["waits"]) == 100, pause=1)
        _send(paid)
        ended = eventually(lambda: _hundred("finished"), pause=1)
        assert document("dlq", "ls")["queues"] == [
            {"name": name, "count": 0, "letters": []} for name in ("events", "runs", "timers")
        ]
    finally:
        dev.stop()

    tokens: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in ran.read_text().splitlines():
        step, order, token = line.split()
        tokens[order].append((step, token))
    outputs = {str(run["event"]["data"]["id"]): run["output"] for run in ended}
    for order, bodies in tokens.items():
        # ``ship`` has a token only if ``charge`` was stored with it: from then on there is no other one.
        first_ship = next(place for place, (step, _) in enumerate(bodies) if step == "ship")
        assert all(each == ("ship", outputs[order]) for each in bodies[first_ship:])


def test_fresh_forgets_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(HUNDRED)
    monkeypatch.chdir(tmp_path)
    dev = Dev("mine:app", tmp_path)
    succeed("send", "order/placed", '{"id": 1}', "--no-wait")
    eventually(lambda: document("waits")["waits"])
    dev.stop()
    assert "its runs go on when it starts again" in dev.output

    dev = Dev("mine:app", tmp_path)
    assert len(document("waits")["waits"]) == 1
    dev.stop()
    assert "1 run goes on from before" in dev.output
    assert "started by" not in dev.output  # that was before

    dev = Dev("mine:app", tmp_path, "--fresh")
    assert document("waits")["waits"] == document("runs")["runs"] == []
    dev.stop()


def test_tarry_dev_says_at_its_end_that_its_files_were_removed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(HUNDRED)
    monkeypatch.chdir(tmp_path)
    dev = Dev("mine:app", tmp_path)
    succeed("send", "order/placed", '{"id": 1}', "--no-wait")
    eventually(lambda: document("waits")["waits"])
    shutil.rmtree(tmp_path / ".tarry")
    dev.stop()
    assert "ended; .tarry was removed meanwhile, so its runs are forgotten" in dev.output


def _send(events: list[dict[str, Any]]) -> None:
    succeed("send", "--file", "-", stdin="\n".join(map(json.dumps, events)))


def _hundred(status: str) -> list[Any]:
    runs: list[Any] = document("runs", "--status", status, "--limit", "200")["runs"]
    return runs if len(runs) == 100 else []
