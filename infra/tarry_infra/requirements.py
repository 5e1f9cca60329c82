"""The user's own requirements file: what the Lambdas need beside Tarry's lock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXTRAS", "files_of", "takes_hashes", "without_hashes"]

_INCLUDED = re.compile(r"^\s*(-r|--requirement|-c|--constraint)[\s=]*([^\s#]+)", re.MULTILINE)
_EDITABLE = re.compile(r"^\s*(?:-e|--editable)\b.*", re.MULTILINE)
_REQUIREMENT = re.compile(r"^\s*[^\s#-]", re.MULTILINE)
_HASH = re.compile(r"\s*\\?\s*--hash=\S+")
_OWN = re.compile(r"^\s*(tarry\s*(?:\[([^\]\n]*)\])?)\s*(?:[=<>~!@;#\\].*)?$", re.MULTILINE | re.IGNORECASE)

EXTRAS = {"encryption": "aws-encryption-sdk>=4.0.7,<5", "traces": "opentelemetry-api>=1.30"}
"""What those extras of Tarry install that a Lambda may need. A test compares it with the project file."""


def files_of(requirements: Path) -> tuple[Path, ...]:
    """Return the file, and the files that it includes by ``-r`` and ``-c``, each once.

    Raises:
        UsageError: A file is missing, a requirement is editable (that would be a path of this machine), or it is Tarry,
            which the Lambdas have already.
    """
    return tuple(dict.fromkeys(_read(requirements, f"requirements {str(requirements)!r}", ())))


def takes_hashes(requirements: Path) -> bool:
    """Whether hashes can be required: the file has them, as a lock does, or it names nothing."""
    texts = [file.read_text("utf-8-sig") for file in files_of(requirements)]
    return any("--hash=" in text for text in texts) or not any(map(_REQUIREMENT.search, texts))


def without_hashes(lock: str) -> str:
    """Return the pins alone: pip requires hashes for all requirements or for none."""
    return _HASH.sub("", lock)


def _read(file: Path, named: str, above: tuple[Path, ...], *, constrains: bool = False) -> Iterator[Path]:
    if not file.is_file():
        raise UsageError(f"{named} does not exist in {file.parent.resolve()}")
    text = file.read_text("utf-8-sig")
    if editable := _EDITABLE.search(text):
        raise UsageError(
            f"{named}: {editable[0].strip()!r} is a folder of this machine, and no Lambda has it; "
            "pass your own packages to TarryStack as modules=[...]"
        )
    if not constrains and (own := _OWN.search(text)):
        raise UsageError(
            f"{named}: leave {own[1].strip()!r} out, for the Lambdas get Tarry from the stack{_instead(own[2])}"
        )
    yield file
    for option, name in _INCLUDED.findall(text):
        included = file.parent / name
        if "://" not in name and included not in (*above, file):
            also = constrains or option in ("-c", "--constraint")
            yield from _read(included, f"{str(file)!r} includes {name!r}, which", (*above, file), constrains=also)


def _instead(extras: str | None) -> str:
    """Return what to write for extras of Tarry, such as ``encryption, traces``."""
    wanted = [EXTRAS[name] for each in (extras or "").split(",") if (name := each.strip().lower()) in EXTRAS]
    return f"; write {' and '.join(wanted)} instead" if wanted else ""
