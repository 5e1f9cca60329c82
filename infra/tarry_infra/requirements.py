"""The user's own requirements file: what the Lambdas need beside Tarry's lock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["files_of", "takes_hashes", "without_hashes"]

_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*([^\s#]+)", re.MULTILINE)
_EDITABLE = re.compile(r"^\s*(?:-e|--editable)\b.*", re.MULTILINE)
_REQUIREMENT = re.compile(r"^\s*[^\s#-]", re.MULTILINE)
_HASH = re.compile(r"\s*\\?\s*--hash=\S+")


def files_of(requirements: Path) -> tuple[Path, ...]:
    """Return the file, and the files that it includes by ``-r`` and ``-c``, each once.

    Raises:
        UsageError: A file is missing, or a requirement is editable: that would be a path of this machine.
    """
    return tuple(dict.fromkeys(_read(requirements, f"requirements {str(requirements)!r}", ())))


def takes_hashes(requirements: Path) -> bool:
    """Whether hashes can be required: the file has them, as a lock does, or it names nothing."""
    texts = [file.read_text("utf-8-sig") for file in files_of(requirements)]
    return any("--hash=" in text for text in texts) or not any(map(_REQUIREMENT.search, texts))


def without_hashes(lock: str) -> str:
    """Return the pins alone: pip requires hashes for all requirements or for none."""
    return _HASH.sub("", lock)


def _read(file: Path, named: str, above: tuple[Path, ...]) -> Iterator[Path]:
    if not file.is_file():
        raise UsageError(f"{named} does not exist in {file.parent.resolve()}")
    text = file.read_text("utf-8-sig")
    if editable := _EDITABLE.search(text):
        raise UsageError(
            f"{named}: {editable[0].strip()!r} is a folder of this machine, and no Lambda has it; "
            "pass your own packages to TarryStack as modules=[...]"
        )
    yield file
    for name in _INCLUDED.findall(text):
        included = file.parent / name
        if "://" not in name and included not in (*above, file):
            yield from _read(included, f"{str(file)!r} includes {name!r}, which", (*above, file))
