"""A project: its name, which Python must be able to import, and its files, made from the template."""

from __future__ import annotations

import keyword
import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_dev.init.origin import requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Project"]

_TEMPLATE = Path(__file__).with_name("template")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN_HERE = ("app", "tests")


@dataclass(frozen=True, slots=True)
class Project:
    """``folder`` is new or empty, and its name is that of the package in it."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Project:
        """``UsageError`` says why there cannot be a project, and what to do."""
        name = folder.resolve().name
        if problem := _problem(name):
            suggestion = folder.parent / _suggestion(name)
            raise UsageError(f"{name!r} {problem}; choose another name: tarry init {suggestion}")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; choose another name")
        if folder.is_dir() and any(each.name != ".git" for each in folder.iterdir()):
            raise UsageError(f"the folder {folder} is not empty; choose another name, or empty it first")
        return cls(folder)

    @property
    def package(self) -> str:
        """The package that holds the functions."""
        return self.folder.resolve().name

    def write(self) -> None:
        """Makes the folder and its files: all, or none."""
        with ExitStack() as undo:
            for path, text in self._files():
                for folder in reversed([each for each in (path.parent, *path.parent.parents) if not each.exists()]):
                    folder.mkdir()
                    undo.callback(folder.rmdir)
                undo.callback(path.unlink, missing_ok=True)
                path.write_text(text, "utf-8")
            undo.pop_all()

    def _files(self) -> Iterator[tuple[Path, str]]:
        stack = self.package.replace("_", "-").strip("-")  # CloudFormation knows no _
        tarry = {f"@tarry_{extra}@": requirement(extra) for extra in ("local", "infra")}
        values = {"@package@": self.package, "@stack@": stack, **tarry}
        names = {"package": self.package, "gitignore": ".gitignore"}
        for source in sorted(_TEMPLATE.rglob("*.in")):
            parts = source.relative_to(_TEMPLATE).with_suffix("").parts
            text = source.read_text("utf-8")
            for mark, value in values.items():
                text = text.replace(mark, value)
            yield self.folder.joinpath(*(names.get(part, part) for part in parts)), text


def _problem(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "cannot be the name of a Python package: up to 40 of a-z, 0-9 and _, a letter first"
    if keyword.iskeyword(name):
        return "is a Python keyword"
    if name in _TAKEN_HERE:
        return "is the name of something else in the project"
    if name in sys.stdlib_module_names or ((found := find_spec(name)) is not None and found.origin is not None):
        return "is the name of an existing module, and would hide it"
    return None


def _suggestion(name: str) -> str:
    suggestion = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:32]
    if not suggestion:
        return "shop"
    return suggestion if _problem(suggestion) is None else f"my_{suggestion}"
