"""The Python files of an app, and which of them changed."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Sources", "version_of"]

_OTHERS = {"__pycache__", "site-packages", "node_modules", "cdk.out"}
"""Folders in which no file of the app is. Nor is one in a hidden folder, or in a virtual environment."""

_MOST_FOLDERS = 5_000
"""How many folders are looked through. A file further on is known once its module is loaded."""

_State = tuple[int, int]
"""When a file was written, in nanoseconds, and its size."""


class Sources:
    """The files of the app's package and under the current folder, as they are when this is made.

    Make it before the app is imported: then no change falls between the two.
    """

    def __init__(self, target: str) -> None:
        self._roots = [Path.cwd(), *_package(target.partition(":")[0].partition(".")[0])]
        self._known = {file: state for file in self._all() if (state := _state(file))}
        self._ours: dict[str, Path | None] = {}  # what a module's file is: some thousand are asked for twice a second

    def changed(self) -> list[Path]:
        """Return which files changed of those whose modules the process has loaded. A later call forgets them."""
        return self._compare(self._loaded())

    def changed_anywhere(self) -> list[Path]:
        """Return which files changed, appeared or went, loaded or not: for an app that could not be imported."""
        return self._compare({*self._all(), *self._known}, appeared=True)

    def _compare(self, files: Iterable[Path], *, appeared: bool = False) -> list[Path]:
        changed = []
        for file in files:
            state, before = _state(file), self._known.get(file)
            if state != before and (appeared or before is not None):
                changed.append(file)
            if state is None:
                self._known.pop(file, None)
            else:
                self._known[file] = state
        return sorted(changed)

    def _loaded(self) -> Iterator[Path]:
        for module in list(sys.modules.values()):
            name = getattr(module, "__file__", None)
            if not isinstance(name, str) or not name.endswith(".py"):
                continue
            if name not in self._ours:
                self._ours[name] = file if self._is_ours(file := Path(name)) else None
            if (own := self._ours[name]) is not None:
                yield own

    def _is_ours(self, file: Path) -> bool:
        for root in self._roots:
            if file.is_relative_to(root):
                folders = file.relative_to(root).parts[:-1]
                return not any(folder.startswith(".") or folder in _OTHERS for folder in folders)
        return False

    def _all(self) -> Iterator[Path]:
        for root in self._roots:
            for folder, folders, files in islice(os.walk(root), _MOST_FOLDERS):
                if "pyvenv.cfg" in files:
                    folders.clear()
                    continue
                folders[:] = [each for each in folders if not each.startswith(".") and each not in _OTHERS]
                yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _package(name: str) -> list[Path]:
    """The folders of the app's package, if it is one: it may be installed from elsewhere, in editable form."""
    try:
        spec = PathFinder.find_spec(name, [str(Path.cwd()), *sys.path]) if name else None
        return [Path(each).absolute() for each in (spec and spec.submodule_search_locations) or ()]
    except (ImportError, OSError, ValueError):
        return []  # to import the app will say it


def _state(file: Path) -> _State | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def version_of(target: str) -> str:
    """Return a name for the code of the app's module: a digest of its file. ``""`` if it has none."""
    file = getattr(sys.modules.get(target.partition(":")[0]), "__file__", None)
    try:
        return hashlib.sha256(Path(str(file)).read_bytes()).hexdigest()[:12]
    except OSError:
        return ""
