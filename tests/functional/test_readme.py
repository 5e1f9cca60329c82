"""The README's programs and its test, exactly as the README shows them."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

import tarry as sdk
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.pages import blocks, load, names_of_tests, run_test
from tests.functional.serving import ROOT


def test_the_readmes_first_program_and_its_test_print_what_it_shows(tmp_path: Path) -> None:
    program, test, *_ = blocks(ROOT / "README.md")
    (tmp_path / "shop.py").write_text(program)
    (tmp_path / "test_shop.py").write_text(test)
    [shown] = re.findall(r"```\n\$ python -m pytest -q\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert _without_time(run.stdout) == _without_time(shown)


def test_the_readmes_first_program_fits_on_the_first_screen() -> None:
    program, *_ = blocks(ROOT / "README.md")
    assert len(program.splitlines()) <= 16
    text = (ROOT / "README.md").read_text()
    assert text.index("pip install 'tarry[local]'") < text.index(program)
    assert text[: text.index(program)].count("\n") < 15


def _without_time(output: str) -> str:
    return re.sub(r"in [\d.]+s", "in a moment", output).strip()


def test_the_readmes_program_passes_the_readmes_test(tarry: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, program, _, test, _ = blocks(ROOT / "README.md")
    load(program, monkeypatch)
    (name,) = names_of_tests(test)
    run_test(test, name, tarry)


def test_the_site_shows_the_readmes_program_and_its_test() -> None:
    _, _, program, _, test, _ = blocks(ROOT / "README.md")
    assert blocks(ROOT / "docs/index.md") == [program, test]


def test_the_example_onboarding_is_the_readmes_program() -> None:
    _, _, program, *_ = blocks(ROOT / "README.md")
    source = (ROOT / "examples/onboarding.py").read_text()
    docstring, *_ = ast.parse(source).body
    _, *lines = source.splitlines(keepends=True)[docstring.end_lineno :]
    assert "".join(lines) == program


_OTHERS = """
async def others(ctx):
    async def ask_ada():
        return await ctx.step.wait_for_event("ada", event="asked/ada", timeout="1h")

    async def ask_grace():
        return await ctx.step.wait_for_event("grace", event="asked/grace", timeout="1h")

{steps}
    return [first.name, [vote.id for vote in votes], won.id, label, answer]
"""


def test_the_readmes_other_steps_do_what_it_says_of_them(tarry: MakeHost) -> None:
    _, _, _, steps, _, _ = blocks(ROOT / "README.md")
    app = sdk.App("others")

    @app.create_function(fn_id="label", trigger=sdk.TriggerEvent(event="label/wanted"))
    async def make_label(ctx: sdk.Context) -> str:
        return f"label {ctx.event.data['order']}"

    namespace: dict[str, Any] = {"tarry": sdk, "make_label": make_label}
    exec(_OTHERS.format(steps=indent(steps, "    ")), namespace)
    app.create_function(fn_id="others", trigger=sdk.TriggerEvent(event="begun"))(namespace["others"])
    host = tarry(app)

    host.send("begun", {"orderId": 7, "poll": "lunch"})
    run = host.run("others")
    host.send("order/left", {"orderId": 7})
    host.send([sdk.Event("poll/voted", {"poll": "lunch"}, id=f"v{number}") for number in range(3)])
    host.send([sdk.Event("asked/grace", {}, id="grace")])
    assert host.signal(f"answer/{run.id}", "yes").status == "delivered"

    assert run.output == ["order/left", ["v0", "v1", "v2"], "grace", "label 7", "yes"]
    assert host.dead_letters == []
