"""``make screenshots``: pictures of the console for README and docs, made of the example ``examples/order.py``."""

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tarry_dev.console.visit import path_of
from tests.functional.serving import Dev, eventually
from tests.unit.repository import ROOT

FOLDER = ROOT / "docs/console"
SIZE = {"width": 1240, "height": 100}


def main() -> None:
    """Play the example, and take each picture in both themes."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium here: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        dev = Dev("examples.order:app", Path(folder))
        try:
            pages = played(dev)
            with sync_playwright() as driver:
                take(driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]), dev.url, pages)
        finally:
            dev.stop()


def played(dev: Dev) -> dict[str, str]:
    """Tell the story of some orders; return the addresses of the pages by the pictures' names."""
    for number in (1, 2, 3):
        send(dev, "shop/order.placed", {"orderId": f"o-{number}"})
    eventually(lambda: len(runs(dev)) == 3)
    second = next(run for run in runs(dev) if run["event"]["data"]["orderId"] == "o-2")
    send(dev, "shop/payment.received", {"orderId": "o-1", "paymentId": "p-7"})
    send(dev, "shop/payment.received", {"orderId": "o-2", "paymentId": "p-8"})
    advance(dev, "40m")
    send(dev, "shop/stock.reserved", {"orderId": "o-1", "warehouse": "north"})
    send(dev, "shop/stock.reserved", {"orderId": "0-2", "warehouse": "north"}, "reservation-2")
    eventually(lambda: any(run["status"] == "finished" for run in runs(dev)))
    time.sleep(1)
    return {
        "runs": "/runs",
        "run": f"/runs/{second['id']}",
        "event": path_of("events", "reservation-2", name="shop/stock.reserved", source="tarry.orders"),
    }


def take(browser: Any, url: str, pages: dict[str, str]) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, viewport=SIZE, device_scale_factor=1)
        page = context.new_page()
        for name, address in pages.items():
            page.goto(f"{url}{address}")
            page.wait_for_timeout(300)
            page.screenshot(path=FOLDER / f"{name}-{scheme}.png", full_page=True)
        context.close()
    browser.close()


def runs(dev: Dev) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{dev.url}/runs", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["runs"]
        return found


def send(dev: Dev, name: str, data: dict[str, Any], event_id: str = "") -> None:
    post(dev, "/events", {"name": name, "data": data, "id": event_id})
    time.sleep(0.5)


def advance(dev: Dev, by: str) -> None:
    post(dev, "/advance", {"by": by})


def post(dev: Dev, path: str, body: dict[str, Any]) -> None:
    with urllib.request.urlopen(f"{dev.url}{path}", json.dumps(body).encode(), timeout=60) as answer:
        answer.read()


if __name__ == "__main__":
    main()
