"""``tarry retry`` and ``tarry rerun``: one run and many, on a ``tarry dev``."""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tarry_dev.cli import bulk
from tarry_dev.cli.target import connect
from tests.functional.serving import Dev, ask, document, eventually, served, succeed

APP = """
from pathlib import Path

import tarry

app = tarry.App("mine")


def ship(n):
    if (Path(__file__).parent / "broken").exists():
        raise KeyError("adress")
    return n


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="app/order"), retries=0)
async def order(ctx: tarry.Context):
    await ctx.step.run("pay", lambda: "paid")
    try:
        return {"n": await ctx.step.run("ship", ship, ctx.event.data["n"])}
    except tarry.StepError:
        await ctx.step.run("refund", lambda: "refunded")
        raise


@app.create_function(fn_id="label", trigger=tarry.TriggerEvent(event="app/label"), retries=0)
async def label(ctx: tarry.Context):
    if (Path(__file__).parent / "broken").exists():
        raise KeyError("printer")
    return await ctx.step.run("stick", lambda: "stuck")
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        yield dev


@pytest.fixture
def broken(dev: Dev) -> Iterator[Path]:
    flag = Path("broken")
    flag.touch()
    yield flag
    flag.unlink(missing_ok=True)


def runs(status: str) -> dict[str, Any]:
    return {each["id"]: each for each in document("runs", "--status", status, "--limit", "100")["runs"]}


def fail(*numbers: int) -> list[str]:
    """Runs that fail, one for each number, in the order in which they have begun.

    Each begins before the next event is sent: ``tarry dev`` starts several at a time, in any order.
    """
    found: dict[int, str] = {}

    def has_failed(n: int) -> bool:
        found.update({run["event"]["data"]["n"]: run["id"] for run in runs("failed").values()})
        return n in found

    for n in numbers:
        succeed("send", "app/order", json.dumps({"n": n}), "--no-wait")
        eventually(partial(has_failed, n))
    return [found[n] for n in numbers]


def fails(*arguments: str) -> str:
    result = ask(*arguments)
    assert result.exit_code != 0, result.stdout
    return " ".join(result.stderr.split())


def test_a_failed_run_goes_on_and_its_page_and_the_list_show_its_lives(broken: Path) -> None:
    [run] = fail(1)
    broken.unlink()
    said = succeed("retry", run[:10].lower())
    assert said == f"run {run} of order goes on from step ship, in life 2\nit has finished\n"
    page = document("run", run)
    assert (page["status"], page["life"], page["output"]) == ("finished", 2, {"n": 1})
    assert [(each["life"], each["id"]) for each in page["past_steps"]] == [(1, "refund")]
    [life] = page["past_lives"]
    assert (life["life"], life["error"], life["from"]) == (1, "KeyError: 'adress'", "ship")
    shown = " ".join(succeed("run", run).split())
    assert "finished after" in shown
    for part in (", life 2", "life 1 failed KeyError: 'adress'", "life 1: refund", "done, then dropped"):
        assert part in shown
    assert "finished, life 2" in succeed("runs", "--limit", "100")
    assert f"run {run} has finished: only a failed run can be retried" in fails("retry", run)
    assert "no run has an id that begins with XYZ" in fails("retry", "xyz")


def test_a_timeline_shows_the_end_of_a_life_before_the_steps_of_the_next(broken: Path) -> None:
    before = set(runs("failed"))
    succeed("send", "app/label", "{}", "--no-wait")
    eventually(lambda: set(runs("failed")) > before)
    [run] = set(runs("failed")) - before
    broken.unlink()
    succeed("retry", run)
    lines = succeed("run", run).splitlines()
    [failed] = [number for number, line in enumerate(lines) if "life 1 failed" in line]
    [stick] = [number for number, line in enumerate(lines) if "✓  stick" in line]
    assert failed < stick


def test_a_run_that_fails_again_says_so(broken: Path) -> None:
    [run] = fail(2)
    assert succeed("retry", run).splitlines()[-1] == "it has failed again: KeyError: 'adress'"
    assert document("retry", run, "--from", "ship") == {"id": run, "status": "failed", "life": 3, "from": "ship"}
    assert "a retry goes on from a step that failed ('ship')" in fails("retry", run, "--from", "pay")


def test_a_run_is_run_again_as_a_new_one(broken: Path, tmp_path: Path) -> None:
    [run] = fail(3)
    broken.unlink()
    new = document("rerun", run, "--from", "ship")
    assert (new["rerun_of"], new["from"]) == (run, "ship")
    page = eventually(lambda: _finished(new["id"]))
    assert (page["output"], page["rerun_of"]) == ({"n": 3}, {"run": run, "from": "ship"})
    assert f"rerun of {run[:8]} from ship" in succeed("run", new["id"])
    (tmp_path / "other.json").write_text('{"data": {"n": 33}}')
    other = document("rerun", run, "--event", str(tmp_path / "other.json"))
    assert eventually(lambda: _finished(other["id"]))["output"] == {"n": 33}
    assert "has no step 'lost'" in fails("rerun", run, "--from", "lost")
    assert "cannot be read" in fails("rerun", run, "--event", "nowhere.json")


def _finished(run_id: str) -> Any:
    page = document("run", run_id)
    return page if page["status"] == "finished" else None


def test_many_runs_are_shown_first_and_retried_with_a_receipt(broken: Path) -> None:
    fail(*range(10, 17))
    many = ("retry", "--function", "order", "--if", "event.data.n >= 10 && event.data.n < 17", "--error", "KeyError")
    shown = succeed(*many, "--dry-run")
    assert "7 failed runs of order, of which these are the first 5" in shown
    assert "KeyError: 'adress'" in shown
    assert shown.endswith("7 failed runs of order would be retried\n")
    assert "no terminal can confirm it; give --yes" in fails(*many)
    assert document(*many, "--dry-run")["remaining"] == 7
    assert succeed(*many, "--error", "ValueError", "--yes") == "0 failed runs of order: there is nothing to do\n"
    assert succeed(*many, "--until", "1h", "--yes") == "0 failed runs of order: there is nothing to do\n"
    broken.unlink()
    receipt = document(*many, "--yes", "--rate", "500")
    assert (len(receipt["retried"]), receipt["left_out"], receipt["remaining"]) == (7, {}, 0)
    eventually(lambda: all(_finished(run) for run in receipt["retried"]))
    reruns = document(
        "rerun", "--function", "order", "--status", "finished", "--if", "output.n == 12", "--from", "ship", "--yes"
    )
    [(old, new)] = reruns["rerun"].items()
    assert eventually(lambda: _finished(new))["rerun_of"] == {"run": old, "from": "ship"}


def test_a_bulk_is_stopped_from_elsewhere_and_goes_on_where_it_was(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail(*range(20, 24))
    many = ("retry", "--function", "order", "--if", "event.data.n >= 20 && event.data.n < 24", "--yes")
    monkeypatch.setattr(bulk, "_TOLD", 0.0)
    asked: list[str] = []
    retry_one = bulk._drive  # its place is taken below, so that the stop comes in the middle

    def drive(tarry: Any, bulk_id: str, runs: Any, act: Any, rate: float) -> Any:
        def act_and_stop(tarry: Any, run: Any, bulk_id: str) -> Any:
            asked.append(bulk_id)
            if len(asked) == 2:
                succeed("retry", "--abort", bulk_id)
            return act(tarry, run, bulk_id)

        return retry_one(tarry, bulk_id, runs, act_and_stop, rate)

    monkeypatch.setattr(bulk, "_drive", drive)
    result = ask(*many, "--json")
    receipt = json.loads(result.stdout)
    assert (result.exit_code, list(receipt["retried"]), receipt["remaining"]) == (1, failed[:2], 2)
    assert f"--yes --bulk {receipt['bulk']}" in result.stderr
    eventually(lambda: all(run in runs("failed") and runs("failed")[run]["life"] == 2 for run in failed[:2]))
    rest = document(*many, "--bulk", receipt["bulk"])
    assert list(rest["retried"]) == failed[2:]
    assert list(rest["left_out"]) == failed[:2], "they have failed again, and one bulk retries a run once"
    assert "has ended already: done" in fails("retry", "--abort", receipt["bulk"])
    assert "there is no bulk" in fails("retry", "--abort", "lost")
    assert "there is no bulk" in fails(*many, "--bulk", "lost")


def test_ctrl_c_stops_between_two_runs_and_says_how_to_go_on(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(30, 31)
    many = ("retry", "--function", "order", "--if", "event.data.n >= 30 && event.data.n < 32", "--yes")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    with connect() as tarry, monkeypatch.context() as patch:
        assert tarry.functions == ("order", "label")
        patch.setattr(bulk, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))  # no other thread's
        result = ask(*many)
    assert result.exit_code == 1
    assert "retried 1 of 2 runs of order" in result.stdout
    assert "stopped: 1 runs are left; go on with the same command and --yes --bulk" in " ".join(result.stderr.split())


def test_wrong_options_are_refused(dev: Dev) -> None:
    for wrong in (
        ["retry"],
        ["retry", "X", "--function", "order"],
        ["retry", "X", "--since", "1h"],
        ["retry", "--function", "order", "--from", "ship"],
        ["retry", "--function", "order", "--status", "finished"],
        ["rerun", "--function", "order", "--event", "x.json"],
        ["rerun", "--abort", "X", "--dry-run"],
    ):
        assert ask(*wrong).exit_code == 2, wrong
    assert "there is no function 'nobody'" in fails("retry", "--function", "nobody", "--yes")
    assert "unknown name 'async'" in fails("retry", "--function", "order", "--if", "async.data.n == 1", "--yes")
