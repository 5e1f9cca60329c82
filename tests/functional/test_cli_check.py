"""``tarry check``: it names the running runs that new code would break, and changes none of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served, succeed

APP = """
import tarry

app = tarry.App("mine")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="order/placed"))
async def order(ctx: tarry.Context):
    total = await ctx.step.run("price", sum, [1, 2])
    paid = await ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="2d")
    return total if paid else "unpaid"


@app.create_function(fn_id="rest", trigger=tarry.TriggerEvent(event="order/placed"))
async def rest(ctx: tarry.Context):
    await ctx.step.sleep("rest", "2d")
"""

CHANGES = {
    "same": ("", "", None),
    "later": ('return total if paid else "unpaid"', "return await ctx.step.run('thank', str, total)", None),
    "renamed": ('ctx.step.run("price"', 'ctx.step.run("prices"', "has stored run step 'price'"),
    "argument": ("sum, [1, 2]", "sum, [1, 3]", "began with the arguments ([1, 2])"),
    "kind": ('ctx.step.run("price", sum, [1, 2])', 'ctx.step.sleep("price", "1h")', "for sleep step 'price'"),
    "error": ("paid = await", "total['cents']; paid = await", "TypeError: 'int' object is not subscriptable"),
    "gone": ('fn_id="order"', 'fn_id="orders"', "the code has no function 'order'"),
    "forgotten": ("paid = await ctx", "paid = ctx", "was used as a condition and not awaited"),
}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("served")
    with served(folder, APP) as dev:
        succeed("send", "order/placed", '{"id": 7}')
        eventually(lambda: len(document("waits")["waits"]) == 1 or None)
        for name, (old, new, _) in CHANGES.items():
            assert old in APP
            Path(f"changed_{name}.py").write_text(APP.replace(old, new))
        yield dev


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_breaks_a_running_run_is_found_before_the_deploy(dev: Dev, change: str) -> None:
    before = document("runs")
    found = CHANGES[change][2]
    result = ask("check", f"changed_{change}:app", "--json")
    checked: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, checked["app"]) == (int(found is not None), "mine")
    assert checked["checked"] == {"order": 1, "rest": 1}
    assert [each["function"] for each in checked["broken"]] == ([] if found is None else ["order"])
    assert all(found in f"{each['error']}: {each['message']}" for each in checked["broken"] if found)
    assert document("runs") == before, "the check changes nothing"


def test_what_a_person_reads(dev: Dev) -> None:
    assert succeed("check", "changed_same:app") == "All 2 running runs fit this code (1 of order, 1 of rest).\n"
    broken = ask("check", "changed_renamed:app")
    assert broken.exit_code == 1
    assert "ReplayError: function 'order' no longer fits its run" in " ".join(broken.stdout.split())
    assert "1 of 2 running runs would fail with this code." in broken.stdout
    assert succeed("check", "changed_renamed:app", "--function", "rest").startswith("All 1 running runs fit")


def test_another_app_or_function_is_an_error(dev: Dev) -> None:
    Path("other.py").write_text('import tarry\n\napp = tarry.App("other")\n')
    assert "other:app is app 'other', and the deployed app is 'mine'" in ask("check", "other:app").stderr
    assert "there is no function 'ordr'" in ask("check", "changed_same:app", "--function", "ordr").stderr
