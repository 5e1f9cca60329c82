"""``tarry dev is killed, or its clock is moved, while events and runs wait for their time."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, document, eventually, succeed

WAITING = """
import tarry

app = tarry.App("shop")
TYPED = tarry.TriggerEvent(event="typed")


@app.create_function(fn_id="save", trigger=TYPED, debounce=tarry.Debounce("1h"))
async def save(ctx: tarry.Context) -> int:
    return ctx.event.data["n"]


@app.create_function(fn_id="export", trigger=TYPED, batch_events=tarry.Batch(10, "2h"))
async def export(ctx: tarry.Context) -> list[int]:
    return sorted(each.data["n"] for each in ctx.events)


@app.create_function(fn_id="call", trigger=TYPED, throttle=tarry.Throttle(1, "3h"))
async def call(ctx: tarry.Context) -> int:
    return ctx.event.data["n"]


@app.create_function(fn_id="copy", trigger=TYPED, singleton=tarry.Singleton("cancel"))
async def copy(ctx: tarry.Context) -> int:
    await ctx.step.sleep("rest", "30m")
    return ctx.event.data["n"]


@app.create_function(fn_id="remind", trigger=TYPED, rate_limit=tarry.RateLimit(1, "1d"))
async def remind(ctx: tarry.Context) -> int:
    return ctx.event.data["n"]
"""


def ended(function: str) -> list[Any]:
    runs = document("runs", "--function", function, "--limit", "50")["runs"]
    return [(run["status"], run["output"]) for run in sorted(runs, key=lambda run: run["event"]["data"]["n"])]


def test_what_waits_when_tarry_dev_is_killed_starts_at_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(WAITING)
    monkeypatch.chdir(tmp_path)
    dev = Dev("mine:app", tmp_path)
    succeed("send", "typed", '{"n": 1}')
    succeed("send", "typed", '{"n": 2}')
    eventually(lambda: len(document("runs")["runs"]) >= 5)
    succeed("advance", "10m")
    dev.stop(signal.SIGKILL)

    dev = Dev("mine:app", tmp_path)
    try:
        succeed("send", "typed", '{"n": 3}')
        eventually(lambda: len(document("runs", "--function", "copy")["runs"]) == 3)
        assert ended("save") == ended("export") == []
        succeed("advance", "55m")
        assert ended("save") == []
        succeed("advance", "--next")
        for _ in range(3):
            succeed("advance", "4h")
        assert ended("save") == [("finished", 3)]
        assert ended("export") == [("finished", [1, 2, 3])]
        assert ended("call") == [("finished", 1), ("finished", 2), ("finished", 3)]
        assert ended("copy") == [("cancelled", None), ("cancelled", None), ("finished", 3)]
        assert ended("remind") == [("finished", 1)]
        assert all(queue["count"] == 0 for queue in document("dlq", "ls")["queues"])
    finally:
        dev.stop()
