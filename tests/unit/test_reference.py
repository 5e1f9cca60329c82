"""The reference in docs/: every public name has a docstring, and stands on one of its pages."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import tarry
from tarry import App, Context, ContextSync
from tarry.group import Group, GroupSync
from tarry.step import Step
from tarry.stepsync import StepSync
from tarry_backend.model.step import Status
from tarry_dev.cloud import HostedStep
from tests.unit.repository import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^::: (\S+)\n((?: {4}.*\n?|\n(?= {4}))*)", re.MULTILINE)


def blocks() -> Iterator[tuple[Any, list[str] | None]]:
    """What stands in the reference, with those of its members that do if it is not all."""
    for page in DOCS.glob("reference/*.md"):
        for name, text in _BLOCK.findall(page.read_text()):
            chosen = re.search(r"^ +members: \[(.*)\]$", text, re.MULTILINE)
            yield resolved(name), chosen[1].split(", ") if chosen else None


def resolved(name: str) -> Any:
    """The object of a dotted name."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


BLOCKS = list(blocks())


def stands(value: Any, owner: Any, name: str) -> bool:
    """Whether it has a block of its own, or its owner has one that shows it."""
    return any(block is value or (block is owner and (members is None or name in members)) for block, members in BLOCKS)


def members(owner: type) -> list[tuple[str, Any]]:
    """The public methods and properties, those that it inherits, too."""
    kinds = inspect.isfunction, lambda value: isinstance(value, property)
    return [(n, v) for n, v in inspect.getmembers(owner) if not n.startswith("_") and any(kind(v) for kind in kinds)]


TOOLS = [
    pytest.param(owner, name, value, id=f"{owner.__name__}.{name}")
    for owner in (App, Context, ContextSync, Step, StepSync, Group, GroupSync)
    for name, value in members(owner)
]


@pytest.mark.parametrize("name", tarry.__all__)
def test_a_public_name_has_a_docstring_and_stands_in_the_reference(name: str) -> None:
    value = getattr(tarry, name)
    assert inspect.getdoc(value)
    assert stands(value, import_module(value.__module__), name), f"put ::: tarry.{name} on a page of docs/reference/"


@pytest.mark.parametrize(("owner", "name", "value"), TOOLS)
def test_a_tool_has_a_docstring_and_stands_in_the_reference(owner: type, name: str, value: Any) -> None:
    assert inspect.getdoc(value)
    path = f"{owner.__module__}.{owner.__name__}.{name}"
    assert stands(value, owner, name), f"put ::: {path} on a page of docs/reference/"


def test_a_tool_of_one_face_is_there_on_the_other() -> None:
    for one, other in ((Step, StepSync), (Group, GroupSync), (Context, ContextSync)):
        assert [name for name, _ in members(one)] == [name for name, _ in members(other)]


def test_each_page_stands_in_the_navigation() -> None:
    """The build says so, too; this is sooner."""
    named = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2])
    assert sorted(named) == sorted(str(page.relative_to(DOCS)) for page in Path(DOCS).rglob("*.md"))


def test_a_step_of_a_test_says_which_kinds_and_statuses_there_are() -> None:
    kinds = re.findall(r'^    kind = "(\w+)"$', (ROOT / "sdk/tarry/_engine/operations.py").read_text(), re.MULTILINE)
    assert len(kinds) >= 6
    assert {*kinds, *Status} - set(re.findall(r"``(\w+)``", inspect.getdoc(HostedStep) or "")) == set()
