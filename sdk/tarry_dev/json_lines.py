"""Files of one JSON object a line. If a line is wrong, the error names it, and nothing is used."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from tarry import TarryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["read_lines"]

T = TypeVar("T")

_SHOWN = 10


def read_lines(file: Path, read: Callable[[dict[str, Any]], T]) -> list[T]:
    """Return what ``read`` makes of each line; empty lines are skipped. ``-`` is standard input.

    ``read`` raises ``ValueError``, ``TypeError`` or one of Tarry's errors for a wrong line.
    """
    values: list[T] = []
    wrong: list[str] = []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip():
            try:
                values.append(read(_object(line)))
            except (ValueError, TypeError, TarryError) as error:
                wrong.append(f"{file}:{number}: {error}")
    if wrong:
        raise UsageError(_report(wrong))
    if not values:
        raise UsageError(f"{file} has no events: write one JSON object a line")
    return values


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text: {error}") from error


def _object(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise TypeError(f"a line must be a JSON object, not {line.strip()[:40]}")
    return fields


def _report(wrong: list[str]) -> str:
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return "\n".join(["nothing was sent, because these lines are wrong", *wrong[:_SHOWN], *more])
