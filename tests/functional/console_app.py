"""The app that browsers look at: orders that wait, fail, sleep and finish."""

import json
import urllib.request
from typing import Any

__all__ = ["HOSTILE", "SOURCE", "pay", "play"]

HOSTILE = "<img src=x onerror=alert(1)>\"'\u202e"

SOURCE = """
from dataclasses import dataclass

import tarry

app = tarry.App("shop")


@tarry.event_type("order/placed")
@dataclass
class OrderPlaced:
    id: int | str
    total: float = 100
    email: str = "ada@shop.test"


def charge(order_id, total):
    if total > 900:
        raise tarry.NonRetriableError(f"the card of order {order_id} is refused")
    return {"charged": total, "receipt": f"rc-{order_id}"}


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event=OrderPlaced), concurrency=50)
async def order(ctx):
    placed = ctx.event.data
    ctx.logger.info("order %s came", placed["id"])
    await ctx.step.run("charge", charge, placed["id"], placed["total"])
    paid = await ctx.step.wait_for_event(
        "wait-for-payment",
        event="order/paid",
        if_exp="async.data.id == event.data.id && async.data.amount >= event.data.total",
        timeout="3d",
    )
    if paid is None:
        return "not paid"
    return await ctx.step.run("ship", lambda: {"shipped": placed["id"], "by": paid.data})


@app.create_function(fn_id="nap", trigger=tarry.TriggerEvent(event="nap/asked"))
async def nap(ctx):
    await ctx.step.sleep("rest", "2d")
    return "rested"


@app.create_function(fn_id="release", trigger=tarry.TriggerEvent(event="release/asked"))
async def release(ctx):
    return await ctx.step.wait_for_signal("approval", signal="approve", timeout="1d")
"""


def play(url: str) -> None:
    """Send the events with which each page has something to show."""
    events: list[dict[str, Any]] = [
        *({"name": "order/placed", "data": {"id": number, "total": 100 + number}} for number in range(4)),
        {"name": "order/placed", "data": {"id": 9, "total": 950}},
        {"name": "order/placed", "data": {"id": HOSTILE, "total": 1, HOSTILE: [HOSTILE, {"deep": [1, 2, None]}]}},
        {"name": HOSTILE, "data": {"text": HOSTILE}, "id": "hostile"},
        {"name": "nap/asked", "data": {}},
        {"name": "release/asked", "data": {"long": "x" * 2_000, "list": list(range(500))}},
    ]
    _post(url, events)


def pay(url: str, event_id: str, order: Any, amount: int = 500) -> None:
    """Send the payment of an order."""
    _post(url, [{"name": "order/paid", "id": event_id, "data": {"id": order, "amount": amount}}])


def _post(url: str, events: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(f"{url}/events", json.dumps(events).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
