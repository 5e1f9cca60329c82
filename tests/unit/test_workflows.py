"""CI runs what a person runs: each command of it is a target of the Makefile."""

import re
from pathlib import Path

import pytest

from tests.unit.repository import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def made(path: Path) -> list[str]:
    """The targets that a file of CI makes."""
    return re.findall(r"^\s*(?:- run: )?make ([\w-]+)", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci/run"], ids=lambda path: path.name)
def test_ci_makes_only_targets_that_are_there(path: Path) -> None:
    assert made(path)
    assert set(made(path)) <= TARGETS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_nothing_but_make(path: Path) -> None:
    assert re.findall(r"\brun: (?!make )(.*)", path.read_text()) == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_pinned_by_its_major_version(path: Path) -> None:
    used = re.findall(r"\buses: (\S+)", path.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_ci_checks_each_python_that_the_project_names() -> None:
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    (matrix,) = re.findall(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text())
    assert re.findall(r"3\.\d+", matrix) == named
