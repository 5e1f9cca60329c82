"""A command that asks ``tarry dev`` loads what it shows, and none of the AWS SDK: it starts fast."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import document, eventually, served
from tests.unit.cli.test_start import SLOW, loaded_by

SHOP = """
import tarry

app = tarry.App("shop")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"))
async def order(ctx: tarry.Context) -> None:
    await ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="1d")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Where ``tarry dev`` runs, and the one run that waits."""
    folder = tmp_path_factory.mktemp("shop")
    with served(folder, SHOP):
        document("send", "order/placed", '{"id": 1}')
        [wait] = eventually(lambda: document("waits")["waits"])
        yield folder, document("run", wait["run"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs"],
        ["runs", "--json"],
        ["run", "{run}"],
        ["waits"],
        ["events"],
        ["event", "{event}", "--name", "order/placed"],
        ["send", "order/paid", '{{"id": 2}}'],
        ["send", "order/nothing"],
        ["signal", "nobody"],
        ["cancel", "{run}"],
    ],
    ids=" ".join,
)
def test_a_command_that_asks_tarry_dev_loads_no_aws(shop: tuple[Path, dict[str, Any]], arguments: list[str]) -> None:
    folder, run = shop
    given = [each.format(run=run["id"], event=run["event"]["id"]) for each in arguments]
    assert loaded_by(folder, *given) & (SLOW | {"aws_lambda_powertools", "lark", "time_machine"}) == set()
