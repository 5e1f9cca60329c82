"""``[tool.tarry]`` in ``pyproject.toml``: commands that need an app find it there."""

import signal
from pathlib import Path

import pytest

from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.project_file import ProjectFile
from tests.functional.serving import Dev, ask, document, eventually, succeed

APP = """
import tarry

app = tarry.App("{id}")


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event="{id}/placed"))
async def order(ctx: tarry.Context):
    return await ctx.step.run("total", sum, [1, 2])
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one app; the current folder is one of its folders."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/functions.py").write_text(APP.format(id="shop"))
    (tmp_path / "billing.py").write_text(APP.format(id="billing"))
    write(tmp_path, 'app = "shop.functions:app"')
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path / "tests")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(project: Path, *lines: str) -> None:
    (project / "pyproject.toml").write_text("\n".join(["[project]", 'name = "mine"', "", "[tool.tarry]", *lines, ""]))


def test_tarry_dev_serves_the_projects_app_also_from_a_folder_below(project: Path) -> None:
    dev = Dev(None, project, within="tests")
    try:
        succeed("send", "shop/placed", "{}")
        eventually(lambda: [run["output"] for run in document("runs")["runs"]] == [3])
        assert document("check")["app"] == "shop"
    finally:
        assert dev.stop() == 0
    assert not (project / "tests/.tarry").exists(), "runs are kept in one place, whichever folder it starts in"


def test_tarry_dev_takes_up_new_code_of_the_projects_app(project: Path) -> None:
    dev = Dev(None, project, within="tests")
    try:
        (project / "shop/functions.py").write_text(APP.format(id="shop").replace("[1, 2]", "[1, 2, 3]"))
        eventually(lambda: "new code" in dev.output)
        succeed("send", "shop/placed", "{}")
        eventually(lambda: [run["output"] for run in document("runs")["runs"]] == [6])
    finally:
        assert dev.stop() == 0


def test_tarry_dev_serves_all_of_a_projects_apps(project: Path) -> None:
    write(project, 'app = ["shop.functions:app", "billing:app"]')
    dev = Dev(None, project, within="tests")
    try:
        eventually(lambda: "app shop (" in dev.output and "app billing (" in dev.output)
    finally:
        assert dev.stop() == 0


def test_an_app_that_is_named_wins_over_the_projects(project: Path) -> None:
    dev = Dev("billing:app", project)
    try:
        assert dev.endpoint["app"] == "billing"
    finally:
        assert dev.stop() == 0


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['app = "nowhere.functions:app"'], "pyproject.toml:5 names it"),
        (["", "app = 7"], "pyproject.toml:6: app of [tool.tarry] is no text, and no list of texts: 7"),
        (['app = "shop.functions:app"', 'port = "1"'], "pyproject.toml:6: [tool.tarry] has no key 'port'"),
        ([], "pyproject.toml:4: [tool.tarry] names no app"),
        (["app = [shop]"], "pyproject.toml cannot be read: "),
        (['app = ["shop.functions:app", "billing:app"]', 'urls = ["http://localhost:3000"]'], "name one app at most"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_line(project: Path, lines: list[str], says: str) -> None:
    write(project, *lines)
    dev = Dev(None, project, wait=False)
    assert dev.stop(signal.SIGCONT) == 1
    assert says in " ".join(dev.output.split())


def test_without_any_app_the_command_says_where_one_can_be_named(tmp_path: Path) -> None:
    dev = Dev(None, tmp_path, wait=False)
    assert dev.stop(signal.SIGCONT) == 1
    assert 'write it once into pyproject.toml: [tool.tarry] app = "shop.functions:app"' in " ".join(dev.output.split())


def test_a_check_of_a_project_with_several_apps_asks_which(project: Path) -> None:
    write(project, 'app = ["shop.functions:app", "billing:app"]')
    result = ask("check")
    assert result.exit_code == 1
    assert "name one app, MODULE:APP" in result.stderr


def test_a_command_without_tarry_dev_says_how_it_is_started_here(project: Path) -> None:
    assert "start one: tarry dev; or" in " ".join(ask("runs").stderr.split())


def test_urls_alone_are_a_project_too(project: Path) -> None:
    write(project, 'urls = "http://localhost:3000/api/inngest"')
    found = ProjectFile.find()
    assert found is not None
    assert (found.apps, found.urls) == ((), ("http://localhost:3000/api/inngest",))
    with pytest.raises(CommandError, match="has none in"):
        found.one_app()


def test_a_file_without_the_section_does_not_hide_the_one_above(project: Path) -> None:
    (project / "tests/pyproject.toml").write_text("[tool.ruff]\n")
    found = ProjectFile.find()
    assert found is not None
    assert found.file == project / "pyproject.toml"
