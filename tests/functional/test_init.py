"""``tarry init``: what it writes works at once, and what it refuses is told with a way out."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tarry_dev.cli.commands.registry import app as commands
from tarry_dev.init.origin import requirement
from tests.functional.serving import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which projects are made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder: Path) -> Path:
    assert init("my_demo").exit_code == 0
    return folder / "my_demo"


def init(name: str) -> Result:
    return CliRunner().invoke(commands, ["init", name], catch_exceptions=False)


def do(command: list[str], where: Path, **variables: str) -> str:
    """Runs it there, and returns all that it wrote; a program that fails, fails the test with that."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TARRY", "CDK"))}
    run = subprocess.run(
        command,
        cwd=where,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def write_tool(file: Path, command: str) -> None:
    """Writes a program that does this."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)


def borrow_packages(project: Path) -> tuple[str, str]:
    """Return make's variables that put the packages of these tests in the place of the project's own .venv."""
    for file in project.glob("requirements*.txt"):
        os.utime(file, (0, 0))  # older than what stands for the set-up, or make would change these packages
    return f"BIN={BIN}", "READY=README.md"


def test_make_test_runs_the_projects_tests(project: Path) -> None:
    assert "4 passed" in do(["make", "test", *borrow_packages(project)], project)


def test_the_first_test_needs_no_cdk(project: Path) -> None:
    """The CDK is most of what there is to install: three minutes of pip, for a test that takes seconds."""
    needed = (project / "requirements-dev.txt").read_text()
    assert ("tarry[local] @ " in needed, "infra" in needed) == (True, False)
    assert "tarry[infra] @ " in (project / "requirements-infra.txt").read_text()


@pytest.mark.parametrize("has_uv", [True, False])
def test_a_project_is_set_up_by_uv_where_it_is_and_else_by_pip(project: Path, has_uv: bool) -> None:
    tools = project / "tools"
    tools.mkdir()
    for name in ("sh", "echo", "touch", "make", "true"):
        (tools / name).symlink_to(f"/bin/{name}")
    write_tool(tools / "python3", 'echo "python $*"')
    write_tool(project / ".venv/bin/python", 'echo "python $*"')
    if has_uv:
        write_tool(tools / "uv", 'echo "uv $*"')
    said = do(["make", ".venv/.ready"], project, PATH=str(tools))
    assert ("uv pip install -q --python .venv/bin/python -r requirements-dev.txt" in said) is has_uv
    assert ("python -m pip install -q" in said) is not has_uv


def test_a_deploy_without_credentials_says_so_before_anything_is_built(project: Path) -> None:
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "HOME": str(project)}
    nobody |= {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "default"}
    with pytest.raises(AssertionError, match="there are no AWS credentials, so nothing was built: sign in") as raised:
        do(["make", "deploy", *borrow_packages(project)], project, **nobody)
    assert "Setting up" not in str(raised.value)
    assert "Adding the CDK" not in str(raised.value)
    assert not (project / "cdk.out").exists()


def test_its_cdk_app_makes_a_stack_with_its_functions_and_without_its_tests(project: Path) -> None:
    do([sys.executable, "app.py"], project, CDK_OUTDIR="cdk.out", CDK_VALIDATION="false")
    template = json.loads((project / "cdk.out/tarry-my-demo.template.json").read_text())
    resources = template["Resources"].values()
    environments = [
        each["Properties"]["Environment"] for each in resources if "Environment" in each.get("Properties", {})
    ]
    assert {each["Variables"].get("TARRY_APP") for each in environments} >= {"my_demo.functions:app"}
    (asset,) = (project / "cdk.out").glob("asset.*/my_demo")
    assert {path.suffix for path in asset.rglob("*") if path.is_file()} <= {".py", ".pyc"}
    assert not (asset.parent / "tests").exists()
    assert not (asset.parent / "app.py").exists()


def test_the_cdk_is_told_to_start_that_app_in_the_projects_own_environment(project: Path) -> None:
    assert json.loads((project / "cdk.json").read_text()) == {"app": ".venv/bin/python app.py"}
    assert ".venv/" in (project / ".gitignore").read_text().split()


def test_what_is_written_is_in_form_and_has_no_mark_left(project: Path) -> None:
    do([str(BIN / "ruff"), "format", "--isolated", "--line-length=120", "--check", "."], project)
    do([str(BIN / "ruff"), "check", "--isolated", "--line-length=120", "--select=E,F,I,B,UP", "."], project)
    texts = [path.read_text() for path in project.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts]
    assert [mark for text in texts for mark in ("@package@", "@stack@", "@tarry_") if mark in text] == []


def test_five_lines_say_what_to_do_next(folder: Path) -> None:
    said = init("deep/shop").stdout.splitlines()
    assert len(said) == 5
    assert said[1].split() == ["cd", "deep/shop"]
    assert [line.split()[:2] for line in said[2:]] == [["make", "test"], ["make", "dev"], ["make", "deploy"]]


@pytest.mark.parametrize(
    ("name", "problem", "instead"),
    [
        ("My-Shop", "cannot be the name of a Python package", "my_shop"),
        ("3d", "cannot be the name of a Python package", "my_3d"),
        ("a/class", "is a Python keyword", "a/my_class"),
        ("json", "is the name of an existing module", "my_json"),
        ("pytest", "is the name of an existing module", "my_pytest"),
        ("tests", "is the name of something else in the project", "my_tests"),
        ("-", "cannot be the name of a Python package", "shop"),
    ],
)
def test_a_name_that_python_could_not_import_gets_another_suggested(
    folder: Path, name: str, problem: str, instead: str
) -> None:
    result = init(name)
    assert result.exit_code == 1
    assert problem in result.stderr
    assert result.stderr.strip().endswith(f"tarry init {instead}")
    assert list(folder.iterdir()) == []
    assert init(instead).exit_code == 0


def test_a_folder_with_something_in_it_is_left_alone(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop/app.py").write_text("mine")
    result = init("shop")
    assert (result.exit_code, "the folder shop is not empty" in result.stderr) == (1, True)
    assert [path.read_text() for path in (folder / "shop").iterdir()] == ["mine"]
    (folder / "stall").write_text("mine")
    assert "stall is a file" in init("stall").stderr


def test_an_empty_repository_is_a_place_for_a_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "shop/.git").mkdir(parents=True)
    monkeypatch.chdir(folder / "shop")
    assert init(".").exit_code == 0
    assert (folder / "shop/shop/functions.py").is_file()


@pytest.mark.parametrize(
    ("recorded", "line"),
    [
        (None, "tarry[local]==1.2"),
        ({"url": "file:///src/tarry", "dir_info": {"editable": True}}, "tarry[local] @ file:///src/tarry"),
        ({"url": "file:///d/tarry.whl", "archive_info": {}}, "tarry[local] @ file:///d/tarry.whl"),
        (
            {"url": "https://git.test/tarry", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "tarry[local] @ git+https://git.test/tarry@abc",
        ),
    ],
)
def test_a_project_asks_for_the_tarry_that_made_it(tmp_path: Path, recorded: object, line: str) -> None:
    (tmp_path / "METADATA").write_text("Name: tarry\nVersion: 1.2\n")
    if recorded is not None:
        (tmp_path / "direct_url.json").write_text(json.dumps(recorded))
    assert requirement("local", Distribution.at(tmp_path)) == line


def test_a_wheel_carries_the_template_and_the_lambdas_lock(folder: Path) -> None:
    do([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    installed = {"PYTHONPATH": str(folder / "installed")}
    do([sys.executable, "-m", "tarry_dev.cli", "init", "shop"], folder, **installed)
    assert (folder / "shop/.gitignore").is_file()
    lock = do([sys.executable, "-c", "from tarry_infra.bundle import LOCK; print(LOCK)"], folder, **installed)
    assert Path(lock.split()[-1]).relative_to(folder / "installed").as_posix() == "tarry_infra/requirements.lock"
    assert Path(lock.split()[-1]).read_bytes() == (ROOT / "functions/requirements.lock").read_bytes()


@pytest.mark.parametrize(
    ("name", "step"), [("shop", "  cd shop\n"), ("my work/shop", "  cd 'my work/shop'\n"), (".", None)]
)
def test_the_next_steps_begin_in_the_projects_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, step: str | None
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    said = init(name).stdout
    assert [line for line in said.splitlines(keepends=True) if "cd " in line] == ([step] if step else [])
