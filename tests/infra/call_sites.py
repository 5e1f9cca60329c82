"""The places in Tarry's code that call AWS: those that the code has, and the one that a call comes from."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

import tarry
import tarry_backend

__all__ = ["CallSite", "call_sites", "calling_line"]

ROOTS = [Path(str(package.__file__)).parent for package in (tarry_backend, tarry)]

SEAMS = ("store/table.py", "store/batch.py", "store/lean_", "_wire/aws.py")
"""Where all calls come through."""

_CLIENTS = ("_table", "_client")


@dataclass(frozen=True)
class CallSite:
    """A statement that calls AWS: its file, its operation as the code names it, its first and last line."""

    file: str
    operation: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file} {self.operation}"

    def has(self, line: tuple[str, int]) -> bool:
        """Whether the line is one of the statement's."""
        return line[0] == self.file and self.first <= line[1] <= self.last


def call_sites() -> Iterator[CallSite]:
    """Yield the statements that call a method of ``self._table`` or ``self._client``."""
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            if (name := _name(str(path))) is not None:
                yield from _sites(name, path)


def _sites(name: str, path: Path) -> Iterator[CallSite]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [each for each in ast.walk(tree) if isinstance(each, ast.stmt)]
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Attribute(attr=operation, value=ast.Attribute(attr=client))) if client in _CLIENTS:
                around = [each for each in statements if each.lineno <= call.lineno <= (each.end_lineno or 0)]
                inner = max(around, key=lambda each: each.lineno)
                yield CallSite(name, operation, inner.lineno, inner.end_lineno or inner.lineno)


def calling_line() -> tuple[str, int] | None:
    """Return the file and line of Tarry's code, behind the seams, that makes the present call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if (name := _name(frame.f_code.co_filename)) is not None:
            return name, frame.f_lineno
        frame = frame.f_back
    return None


@cache
def _name(file: str) -> str | None:
    """The file's name inside of its package; ``None`` if it is not Tarry's, or a seam."""
    for root in ROOTS:
        if file.startswith(f"{root}/"):
            name = file.removeprefix(f"{root}/")
            return None if name.startswith(SEAMS) else name
    return None
