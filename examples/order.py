"""An order that waits for payment and for stock at the same time, and undoes one if the other does not come.

The function is a plain ``def``. Its context is a ``ContextSync``: it calls its steps without ``await``.
``match="data.orderId"`` is short for ``async.data.orderId == event.data.orderId``.

The refund passes its step's idempotency key to the payment provider. Suppose that the machine dies after the provider's
answer, but before Tarry stores it. Then the step runs again, and the provider still refunds the money only once. Serve
it with:

    tarry dev examples.order:app

Then send events from a second terminal:

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
    """Ask your warehouse to ship here."""
    return f"parcel of {order_id} leaves {warehouse}"


def refund(payment_id: str, idempotency_key: str) -> dict[str, str]:
    """Call your payment provider here."""
    return {"refunded": payment_id, "key": idempotency_key}


def release(order_id: str) -> str:
    """Tell your warehouse here that it may sell the goods to others."""
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
