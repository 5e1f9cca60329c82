"""The story of a bad deploy: fifty runs fail, the code is rolled back, one ``tarry retry``, and all end well."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.functional.serving import Dev, document, eventually, succeed

APP = """
import pathlib

import tarry
from carrier import book

app = tarry.App("shop")
LEDGER = pathlib.Path(__file__).parent / "ledger"


def note(line):
    with LEDGER.open("a") as file:
        file.write(line + chr(10))


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"), retries=0)
async def order(ctx: tarry.Context):
    n = ctx.event.data["n"]
    await ctx.step.run("charge", note, f"charge {n}")
    await ctx.step.wait_for_event("packed", event="order/packed", match="data.n", timeout="3d")
    if n % 2:
        book(n)  # an error of the function itself
    parcel = await ctx.step.run("book", book, n)
    await ctx.step.run("ship", note, f"ship {n}")
    return parcel
"""

GOOD = "def book(n):\n    return f'parcel {n}'\n"

BAD = "def book(n):\n    raise KeyError('adress')\n"

RUNS = 50


def statuses() -> Counter[str]:
    return Counter(run["status"] for run in document("runs", "--function", "order", "--limit", "100")["runs"])


def send(name: str) -> None:
    for n in range(RUNS):
        succeed("send", name, json.dumps({"n": n}), "--no-wait")


def deploy(dev: Dev, code: str) -> None:
    """New code, as ``tarry dev`` takes it up."""
    before = dev.output.count("new code")
    Path("carrier.py").write_text(code)
    eventually(lambda: dev.output.count("new code") > before)


def test_fifty_runs_fail_by_a_bad_deploy_and_one_retry_lets_all_end_well_each_effect_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "mine.py").write_text(APP)
    (tmp_path / "carrier.py").write_text(GOOD)
    dev = Dev("mine:app", tmp_path)
    try:
        send("order/placed")
        eventually(lambda: len(document("waits", "--limit", "100")["waits"]) == RUNS)
        deploy(dev, BAD)
        send("order/packed")
        eventually(lambda: statuses() == {"failed": RUNS})

        deploy(dev, GOOD)
        said = succeed("retry", "--function", "order", "--status", "failed", "--rate", "50", "--yes")
        eventually(lambda: statuses() == {"finished": RUNS})
    finally:
        dev.stop()
    assert str(RUNS) in said
    ledger = Counter((tmp_path / "ledger").read_text().splitlines())
    assert ledger == Counter(f"{what} {n}" for n in range(RUNS) for what in ("charge", "ship"))
