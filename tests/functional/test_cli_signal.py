"""``tarry signal``, ``tarry run`` and ``tarry waits``: against a ``tarry dev`` whose run waits for signals."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served

APP = """
import tarry

app = tarry.App("mine")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="placed"))
def order(ctx: tarry.ContextSync):
    first = ctx.step.wait_for_signal("approved", signal="approval/7", timeout="2d")
    return [first, ctx.step.wait_for_signal("again", signal="again/7", timeout="2d")]
"""


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    with served(tmp_path, APP) as dev:
        yield dev


@pytest.mark.usefixtures("dev")
def test_a_signal_is_sent_from_a_terminal_which_says_what_became_of_it() -> None:
    gone = ask("signal", "approval/7")
    assert (gone.exit_code, "no run waits for signal approval/7" in gone.stdout) == (1, True)
    assert "is kept until" in ask("signal", "again/7", '"kept"', "--keep", "1h").stdout
    ask("send", "placed")
    eventually(lambda: document("waits")["waits"])
    [wait] = document("waits")["waits"]
    assert (wait["step"], wait["signal"], wait["timed_out"]) == ("approved", "approval/7", False)
    assert "signal approval/7" in ask("waits").stdout
    run = wait["run"]
    assert document("signal", "approval/7", '{"by": "ada"}', "--id", "s-1") == {
        "status": "delivered",
        "id": "s-1",
        "run": run,
        "kept_until": None,
    }
    again = ask("signal", "approval/7", "--id", "s-1")
    assert again.stdout.replace("\n", " ").startswith(
        f"signal approval/7 was already sent with id s-1, to run {run} of"
    )
    eventually(lambda: document("run", run)["status"] == "finished")
    page = document("run", run)
    assert page["output"] == [{"by": "ada"}, "kept"]
    assert page["steps"][0]["signal"]["id"] == "s-1"
    assert 'signal approval/7 came {"by": "ada"}' in ask("run", run).stdout
    assert ask("signal", "approval/7", "{").exit_code == 2
