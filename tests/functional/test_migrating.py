"""An application written for Inngest's Python SDK moves by the renames that docs/migrating.md names."""

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tarry as sdk
from tarry_dev.cloud import Host
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.serving import ROOT

BEFORE = Path(__file__).parent / "migrating/shop.py.txt"


def renames() -> list[tuple[str, str]]:
    page = (ROOT / "docs/migrating.md").read_text()
    _, _, section = page.partition("## The renames\n")
    table, _, _ = section.partition("\n## ")
    return re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", table, re.MULTILINE)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application, after the page's renames and nothing else."""
    program = BEFORE.read_text()
    for before, after in renames():
        assert before in program
        program = program.replace(before, after)
    assert "inngest" not in program
    module = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", module)
    exec(compile(program, "shop.py", "exec"), vars(module))
    return module


@pytest.fixture
def host(shop: Any, tarry_host: MakeHost) -> Host:
    return tarry_host(shop.client)


def test_the_page_names_the_renames() -> None:
    assert len(renames()) >= 3


def test_an_order_goes_through_every_step(host: Host, shop: Any) -> None:
    asyncio.run(shop.checkout("o-1", 100))
    host.cloud.pump()
    host.advance("1h")
    host.send("order/packed", {"orderId": "another", "box": "b"})
    host.send("order/packed", {"orderId": "o-1", "box": "b"})
    host.advance("2h")

    run = host.run("order")
    charged = {"orderId": "o-1", "cents": 100}
    assert run.output == {
        "status": "shipped",
        "label": "label-o-1",
        "again": "label-o-1",
        "charged": charged,
        "ts": True,
    }
    assert [event.data["orderId"] for event in host.events("order/charged")] == ["o-1"]
    assert host.dead_letters == []


def test_an_id_and_an_idempotency_key_start_one_run(host: Host, shop: Any) -> None:
    for _ in range(2):
        asyncio.run(shop.checkout("o-1", 100))
    shop.checkout_sync("o-1")
    host.cloud.pump()
    assert len(host.runs("order")) == 1


def test_a_wait_times_out_and_a_cancel_ends_the_run(host: Host) -> None:
    host.send("order/placed", {"orderId": "o-1", "cents": 5})
    host.send("order/placed", {"orderId": "o-2", "cents": 5})
    host.send("order/placed", {"orderId": "o-3", "cents": -5})
    host.send("order/withdrawn", {"orderId": "o-2"})
    host.advance("3d")
    assert [run.status for run in host.runs("order")] == ["finished", "cancelled"]
    assert host.result(host.runs("order")[0]) == {"status": "not packed", "stock": "stock-o-1"}


def test_a_final_error_fails_the_run_and_tells_on_failure_and_the_listener(host: Host) -> None:
    host.send("order/placed", {"orderId": "o-1", "cents": 0})
    assert host.run("order").status == "failed"
    assert host.run("order-failure").steps["tell-support"].output == "o-1: nothing to charge"
    assert host.result("watch-failures") == "order"


def test_retry_after_and_a_caught_step_error(host: Host) -> None:
    host.send("order/placed", {"orderId": "busy", "cents": 5})
    assert host.run("order").steps["charge"].attempt == 1
    host.advance("119s")
    assert host.run("order").steps["charge"].attempt == 1
    host.advance("2s")
    assert host.run("order").steps["charge"].attempt == 2

    host.send("order/placed", {"orderId": "o-1", "cents": 5})
    host.advance("1h")
    host.send("order/packed", {"orderId": "o-1", "box": "torn"})
    host.advance("2h")
    assert host.run("order").output == {"status": "lost", "why": "the box is torn"}


def test_a_plain_function_with_a_cron_and_a_repeated_step_id(host: Host) -> None:
    host.send("report/requested")
    assert host.result("report") == 3
    assert [event.data for event in host.events("report/made")] == [{"total": 3}]


class Audit(sdk.Middleware):
    def __init__(self, client: object, raw_request: object) -> None: ...


class Ended(sdk.Middleware):
    async def after_execution(self) -> None: ...  # type: ignore[override]


class Answered(sdk.Middleware):
    async def before_response(self) -> None: ...


@pytest.mark.parametrize(
    ("middleware", "said"),
    [
        (Audit, "middleware Audit takes (client: object, raw_request: object); Tarry makes it without arguments"),
        (Ended, "middleware Ended.after_execution takes (self); Tarry calls it with (self, status, error)"),
        (Answered, "middleware Answered has before_response, which Tarry never calls"),
    ],
)
def test_a_middleware_in_inngests_form_is_refused_at_once(middleware: type[sdk.Middleware], said: str) -> None:
    with pytest.raises(sdk.UsageError, match=re.escape(said)):
        sdk.App("shop", middleware=[middleware])
    with pytest.raises(sdk.UsageError, match=re.escape(said)):
        sdk.App("shop").create_function(fn_id="order", middleware=[middleware])
