"""``tarry dev`` while its app is edited."""

from pathlib import Path

import pytest

from tests.functional.serving import Dev, document, eventually, succeed

APP = """
import os, time
import tarry
from words import WORD

app = tarry.App("shop")
NUMBER = os.getpid()

def greet(name):
    open(f"began-{name}", "w").close()
    while name == "slow" and not os.path.exists("go"):
        time.sleep(0.05)
    return WORD

@app.create_function(fn_id="greet", trigger=tarry.TriggerEvent(event="shop/hello"))
async def hello(ctx: tarry.Context) -> str:
    return await ctx.step.run("greet", greet, ctx.event.data["name"])
"""


def test_new_code_is_taken_up_for_the_next_message_and_broken_code_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(APP)
    (tmp_path / "words.py").write_text("WORD = 'old'\n")
    dev = Dev("mine:app", tmp_path)
    try:
        before = dev.endpoint
        _write("words.py", "WORD = = 'broken'\n")
        eventually(lambda: "the old code goes on meanwhile" in dev.output)
        succeed("send", "shop/hello", '{"name": "slow"}', "--no-wait")
        eventually(lambda: Path("began-slow").exists())
        _write("words.py", "WORD = 'new'\n")
        eventually(lambda: "new code" in dev.output)
        succeed("send", "shop/hello", '{"name": "quick"}', "--no-wait")
        Path("go").touch()
        assert eventually(lambda: _outputs(2)) == {"slow": "old", "quick": "new"}
        assert dev.endpoint == before  # same process id, same port: nobody has to look for it anew
    finally:
        dev.stop()
    assert "words.py changed" in dev.output
    assert "SyntaxError" in dev.output
    assert "fix it, I am watching; the old code goes on meanwhile" in dev.output
    assert "new code: it is taken up when the bodies that run have ended" in dev.output
    assert "Traceback" not in dev.output


def test_an_app_that_cannot_be_imported_at_the_start_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(APP)
    (tmp_path / "words.py").write_text("1 / 0\n")
    dev = Dev("mine:app", tmp_path, wait=False)
    eventually(lambda: "fix it, I am watching" in dev.output)
    _write("words.py", "WORD = 'mended'\n")
    dev.wait()
    try:
        succeed("send", "shop/hello", '{"name": "quick"}', "--no-wait")
        assert eventually(lambda: _outputs(1)) == {"quick": "mended"}
    finally:
        assert dev.stop() == 0
    assert "ZeroDivisionError: division by zero" in dev.output
    assert "words.py line 1" in " ".join(dev.output.split())


def _write(name: str, text: str) -> None:
    """As an editor does: a new file takes the place of the old one."""
    new = Path(f"{name}.new")
    new.write_text(text)
    new.replace(name)


def _outputs(count: int) -> dict[str, str]:
    runs = document("runs")["runs"]
    outputs = {run["event"]["data"]["name"]: run["output"] for run in runs}
    return outputs if len(runs) == count and all(outputs.values()) else {}
