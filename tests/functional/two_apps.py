"""Two apps, served by one ``tarry dev``: an event starts a run of each, and a step of one wakes the other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, ask, document, eventually

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


@contextmanager
def both(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, written: bool = True) -> Iterator[Dev]:
    """The apps ``shop`` and ``billing``, served in a folder in which this process stands meanwhile."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    if written:
        write(folder / "shop.py", SHOP)
        write(folder / "billing.py", BILLING)
    dev = Dev("shop:app", folder, "billing:app", *options)
    try:
        eventually(lambda: is_up("shop") and is_up("billing"))
        yield dev
    finally:
        if dev.is_running:
            dev.stop()


def write(file: Path, text: str) -> None:
    """As an editor does: a new file takes the place of the old one."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def is_up(app: str) -> bool:
    """Whether the app is served by now."""
    return ask("runs", "--app", app).exit_code == 0


def urls(folder: Path) -> dict[str, str]:
    """Where each app is served."""
    found = [json.loads(file.read_text()) for file in folder.glob(".tarry/dev-*.json")]
    return {each["app"]: each["url"] for each in found}


def runs_of(order: int, *options: str) -> list[dict[str, Any]]:
    """The runs that an event with this id started, the newest first."""
    runs: list[dict[str, Any]] = document("runs", "--limit", "100", *options)["runs"]
    return [run for run in runs if run["event"]["data"].get("id") == order]


def outputs(count: int, order: int = 1) -> dict[str, Any]:
    """Return the outputs of the apps' newest runs of an order, once there are ``count`` runs and all have ended."""
    runs = runs_of(order)
    is_over = len(runs) == count and all(run["status"] == "finished" for run in runs)
    return {run["app"]: run["output"] for run in reversed(runs)} if is_over else {}
