"""Type checkers know the types of every program that Tarry shows or ships: pages, examples, a new project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tarry_dev.init.project import Project
from tests.functional.pages import blocks
from tests.functional.serving import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_PROGRAM = re.compile(r"(import|from) ")
_OTHERS = re.compile(r"^import inngest", re.MULTILINE)
"""A program by the official Inngest SDK, which is not installed here; ``tests/functional/remote`` runs such ones."""

_TEST = re.compile(r"^(def test_\w+\((?:tarry|tarry_host))\):", re.MULTILINE)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of the pages, the examples, and the project that ``tarry init`` writes."""
    folder = tmp_path_factory.mktemp("programs")
    for page in PAGES:
        _write(page, folder)
    shutil.copytree(ROOT / "examples", folder / "shown", ignore=shutil.ignore_patterns("__pycache__"))
    Project.at(folder / "my_demo").write()
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "extraPaths": ["my_demo"]}')
    return folder


def _write(page: Path, folder: Path) -> None:
    """Write the page's programs, each as a module of its own. A test imports the program above it.

    A page shows a test without annotations. It gets those of its fixture here: otherwise nothing in it has a type.
    """
    shop = ""
    for number, block in enumerate(blocks(page)):
        if not _PROGRAM.match(block) or _OTHERS.search(block):
            continue  # a few lines of a program, or one that is not ours to check
        name = f"{page.stem.replace('-', '_').lower()}_{number}"
        if "from shop import" in block:
            annotated = _TEST.sub(r"\1: MakeHost) -> None:", block.replace("from shop import", f"from {shop} import"))
            block = f"from tarry_dev.pytest_plugin import MakeHost\n{annotated}"
        else:
            shop = name
        (folder / f"{name}.py").write_text(block)


def check(*command: str | Path, **variables: str) -> str:
    """Run a type checker, and return what it says."""
    environment = os.environ | variables
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return run.stdout + run.stderr


def test_the_pages_have_programs_to_check(programs: Path) -> None:
    names = {path.stem for path in programs.glob("*.py")}
    assert {"readme_0", "readme_1", "index_0", "deploy_0", "step_run_0", "step_run_1"} <= names
    assert "tarry_host: MakeHost) -> None:" in (programs / "readme_1.py").read_text()


def test_mypy_finds_no_error_in_strict_mode(programs: Path) -> None:
    """With the project's own settings, which are stricter: so it uses the project's cache."""
    files = sorted(programs.rglob("*.py"))
    said = check("mypy", *files, MYPYPATH=f"{programs}:{programs / 'my_demo'}")
    assert f"Success: no issues found in {len(files)} source files" in said, said


@pytest.mark.skipif(shutil.which("node") is None, reason="without Node.js, pyright downloads it")
def test_pyright_finds_no_error_and_no_unknown_type_in_strict_mode(programs: Path) -> None:
    said = check("pyright", "--pythonpath", sys.executable, "--project", programs)
    assert "0 errors, 0 warnings" in said, said
