"""Which code is the user's own. Errors, failed attempts and blocked loops name its file and line."""

from __future__ import annotations

import re
import traceback
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["beside", "is_library", "is_own", "own_frame", "own_place", "place_in_stack", "place_of_import_error"]

_PLACE = re.compile(r'File "(.+?)", line (\d+), in (\S+)')
_LIBRARY = re.compile(r"^<|[/\\](site|dist)-packages[/\\]|[/\\][Ll]ib[/\\]python3|^/var/(runtime|lang)/")
_DEPLOYED = re.compile(r"^/var/task/([^/]+?)(?:/|\.py$)")

_TARRY = re.compile(r"(/(site|dist)-packages|^/var/task)/tarry(_backend|_dev|_infra)?/")


def place_in_stack(stack: str) -> str:
    """Return where a stored stack was raised, ``shop.py line 12, in charge``: the user's innermost frame, if any."""
    return own_place(stack) or _innermost(_PLACE.findall(stack))


def own_place(stack: str) -> str:
    """Return the same, or an empty text if the stack passed no line of the user's code."""
    return _innermost([place for place in _PLACE.findall(stack) if is_own(place[0])])


def beside(message: str, stack: str) -> str:
    """Return the place of an error, to be written behind its message: `` (shop.py line 12, in charge)``.

    It is empty if the message names the file itself, or the stack passed no line of the user's code.
    """
    place = own_place(stack)
    return "" if not place or f"({place.rpartition(' line ')[0]}, line " in message else f" ({place})"


def _innermost(places: Sequence[tuple[str, str, str]]) -> str:
    return "{} line {}, in {}".format(*places[-1]) if places else ""


def place_of_import_error(error: BaseException) -> str:
    """Return the line of the user's code at which an import failed, such as ``shop.py line 3``.

    For a syntax error in the user's code it is the line of that error.
    """
    if isinstance(error, SyntaxError) and error.filename and is_own(error.filename):
        return f"{error.filename} line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(frame.filename)]
    return f"{own[-1].filename} line {own[-1].lineno}" if own else ""


def own_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the user's code, or ``None`` if Tarry's own code runs inside of it."""
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None or _is_tarry(frame.f_code.co_filename) else frame


@lru_cache(maxsize=4096)
def is_library(file: str) -> bool:
    """Return whether the file belongs to Python, or to an installed package other than Tarry."""
    if _is_tarry(file):
        return False
    if _LIBRARY.search(file) or file.startswith(_folders()):
        return True
    # In a Lambda's bundle the packages are beside the user's code. The command that shows the stacks has them as well.
    deployed = _DEPLOYED.match(file)
    return deployed is not None and deployed[1] in _installed()


def is_own(file: str) -> bool:
    """Return whether the file is the user's: neither a library's nor Tarry's."""
    return not is_library(file) and not _is_tarry(file)


@lru_cache(maxsize=4096)
def _is_tarry(file: str) -> bool:
    """Return whether the file is Tarry's: in the packages loaded here, in an installation, or in a bundle."""
    return file.startswith(_tarry()) or _TARRY.search(file) is not None


@cache
def _tarry() -> tuple[str, ...]:
    import tarry

    sdk, backend = Path(tarry.__file__).parent, Path(__file__).parents[1]
    return tuple(f"{folder}/" for folder in (sdk, sdk.with_name("tarry_dev"), backend))


@cache
def _folders() -> tuple[str, ...]:
    import sysconfig  # imported late: a Lambda whose code does not fail needs neither this nor the next

    paths = sysconfig.get_paths()
    return tuple(f"{paths[name]}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@cache
def _installed() -> frozenset[str]:
    from importlib.metadata import packages_distributions

    return frozenset(packages_distributions())
