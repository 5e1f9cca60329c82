"""The order that waits for two things at once, in a plain ``def``."""

import pytest

from examples.order import app
from tarry_dev.cloud.host import Host
from tarry_dev.pytest_plugin import MakeHost

PAYMENT = "shop/payment.received", {"orderId": "o-1", "paymentId": "p-7"}
STOCK = "shop/stock.reserved", {"orderId": "o-1", "warehouse": "north"}


@pytest.fixture
def host(tarry_host: MakeHost) -> Host:
    host = tarry_host(app)
    host.send("shop/order.placed", {"orderId": "o-1"})
    return host


@pytest.mark.parametrize("order", [(PAYMENT, STOCK), (STOCK, PAYMENT)])
def test_it_is_shipped_once_both_are_there_in_either_order(
    host: Host, order: tuple[tuple[str, dict[str, str]], ...]
) -> None:
    run = host.run("order")
    host.send(*order[0])
    assert run.status == "running"
    host.send(*order[1])
    assert run.output == "shipped"
    assert run.steps["ship"].output == "parcel of o-1 leaves north"


def test_without_stock_the_money_goes_back_under_the_steps_own_key(host: Host) -> None:
    host.send(*PAYMENT)
    host.advance("2h")
    run = host.run("order")
    assert run.output == "out of stock"
    assert run.steps["refund"].output["refunded"] == "p-7"
    assert run.steps["refund"].output["key"]


def test_without_payment_the_goods_go_back(host: Host) -> None:
    host.send(*STOCK)
    host.advance("1d")
    run = host.run("order")
    assert run.output == "not paid"
    assert "release" in run.steps
    assert "refund" not in run.steps


def test_with_neither_nothing_is_to_be_undone(host: Host) -> None:
    host.advance("1d")
    run = host.run("order")
    assert run.output == "not paid"
    assert list(run.steps) == ["wait-for-payment", "wait-for-stock"]
