"""What the project says of its apps: ``[tool.tarry]`` in ``pyproject.toml``, for commands without ``MODULE:APP``."""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PROJECT", "ProjectFile", "dev_command"]

PROJECT = "pyproject.toml"

_KEYS = ("app", "urls")

_EXAMPLE = '[tool.tarry] app = "shop.functions:app"'


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The nearest ``pyproject.toml`` with ``[tool.tarry]``: in the current folder, or one above.

    Attributes:
        file: The file.
        apps: The apps, each as ``MODULE:APP``. Their modules are looked for in the folder of the file.
        urls: The addresses of apps of Inngest SDKs.
    """

    file: Path
    apps: tuple[str, ...]
    urls: tuple[str, ...]

    @classmethod
    def find(cls) -> Self | None:
        """Return it, or ``None`` if there is none.

        Raises:
            CommandError: A file cannot be read, or has something in the section that is no app or URL.
        """
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (file := folder / PROJECT).is_file() and (section := _section(file)) is not None:
                return cls(file, *(_texts(file, section, key) for key in _KEYS))
        return None

    @classmethod
    def enter(cls, otherwise: str = "") -> Self:
        """Find it, and make its folder the current one, so that ``.tarry`` and the modules are there.

        ``otherwise`` is what else the command could be given, for the error.

        Raises:
            CommandError: There is none, or it is wrong.
        """
        found = cls.find()
        if found is None:
            raise CommandError(
                f"name an app, such as shop.functions:app{otherwise}, or write it once into {PROJECT}: {_EXAMPLE} "
                f"(looked in {Path.cwd()} and above)"
            )
        os.chdir(found.file.parent)
        return found

    def one_app(self) -> str:
        """Return the app of a project that has one.

        Raises:
            CommandError: It has none, or several.
        """
        if len(self.apps) != 1:
            apps = ", ".join(self.apps) or "none"
            raise CommandError(f"name one app, MODULE:APP: {self.file} has {apps} in [tool.tarry]")
        return self.apps[0]

    @contextmanager
    def named(self) -> Iterator[None]:
        """Within it, an error about one of the apps also says where the app is named."""
        try:
            yield
        except CommandError as error:
            if not any(app in str(error) for app in self.apps):
                raise
            where = _line(self.file, "app")
            raise CommandError(f"{error} ({where} names it)") from error


def dev_command() -> str:
    """Return how ``tarry dev`` is started in this folder, for a hint."""
    try:
        known = ProjectFile.find()
    except CommandError:
        known = None
    return "tarry dev MODULE:app" if known is None else "tarry dev"


def _section(file: Path) -> dict[str, Any] | None:
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    section = tools.get("tarry") if isinstance(tools, dict) else None
    if section is None:
        return None
    if not isinstance(section, dict):
        raise CommandError(f"{_line(file, 'tarry')}: tarry is no section; write {_EXAMPLE}")
    if unknown := sorted(section.keys() - {*_KEYS}):
        raise CommandError(
            f"{_line(file, unknown[0])}: [tool.tarry] has no key {unknown[0]!r}; its keys are {', '.join(_KEYS)}"
        )
    if not any(section.get(key) for key in _KEYS):
        raise CommandError(f"{_line(file, 'app')}: [tool.tarry] names no app; write {_EXAMPLE}")
    return section


def _texts(file: Path, section: dict[str, Any], key: str) -> tuple[str, ...]:
    value = section.get(key, [])
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and each for each in texts):
        raise CommandError(f"{_line(file, key)}: {key} of [tool.tarry] is no text, and no list of texts: {value!r}")
    return tuple(texts)


def _line(file: Path, key: str) -> str:
    """The file, and the line of the key in the section: ``tomllib`` does not keep it."""
    is_inside, section = False, 0
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.lstrip().startswith("["):
            is_inside = re.match(r"\s*\[\s*tool\s*\.\s*tarry\s*\]", line) is not None
            section = number if is_inside else section
        elif is_inside and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            return f"{file}:{number}"
    return f"{file}:{section}" if section else f"{file}"
