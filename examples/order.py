"""An order that waits for payment and for stock at the same time, and undoes what came if the other does not.

A plain ``def``: its context is a ``ContextSync``, whose steps are not awaited. ``match="data.orderId"`` is short
for ``async.data.orderId == event.data.orderId``. The refund hands on its step's idempotency key: should the machine
die between the payment provider's answer and our note of it, the step runs again, and the money goes back once.

    tarry dev examples.order:app

and in a second terminal

    tarry send shop/order.placed '{"orderId": "o-1"}'
    tarry send shop/stock.reserved '{"orderId": "o-1", "warehouse": "north"}'
    tarry send shop/payment.received '{"orderId": "o-1", "paymentId": "p-7"}'
    tarry runs
"""

from collections.abc import Mapping
from typing import Any

import tarry

app = tarry.App("orders")


def ship(order_id: str, warehouse: str) -> str:
    """Stands where the warehouse is told."""
    return f"parcel of {order_id} leaves {warehouse}"


def refund(payment_id: str, idempotency_key: str) -> dict[str, str]:
    """Stands where the payment provider is called."""
    return {"refunded": payment_id, "key": idempotency_key}


def release(order_id: str) -> str:
    """Stands where the warehouse is told that it may sell the goods to others."""
    return f"stock of {order_id} released"


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="shop/order.placed"))
def order(ctx: tarry.ContextSync) -> str:
    payment, stock = ctx.group.parallel(
        (
            lambda: ctx.step.wait_for_event(
                "wait-for-payment", event="shop/payment.received", match="data.orderId", timeout="1d"
            ),
            lambda: ctx.step.wait_for_event(
                "wait-for-stock", event="shop/stock.reserved", match="data.orderId", timeout="2h"
            ),
        )
    )
    order_id: str = ctx.event.data["orderId"]
    if payment and stock:
        ctx.step.run("ship", ship, order_id, stock.data["warehouse"])
        return "shipped"
    if payment:
        ctx.step.run("refund", lambda: _refund(ctx, payment.data))
    if stock:
        ctx.step.run("release", release, order_id)
    return "out of stock" if payment else "not paid"


def _refund(ctx: tarry.ContextSync, payment: Mapping[str, Any]) -> dict[str, str]:
    return refund(payment["paymentId"], idempotency_key=ctx.step.idempotency_key)
