"""The app that a command gets as ``MODULE:app``."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tarry import UsageError
from tarry_dev.cli.errors import CommandError
from tarry_dev.shipped_examples import put_examples_on_path

if TYPE_CHECKING:
    from tarry import App

__all__ = ["find_app", "is_of_the_code"]


def find_app(target: str) -> App:
    """Load the app from a module in the current folder, installed, or an example; else raise ``CommandError``."""
    from tarry_backend.runtime import load_app

    if ".py" in target or "/" in target:
        raise CommandError(f"{target!r} is a path: give module and app instead, such as {_module(target)}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    if target.startswith("examples."):
        put_examples_on_path()
    try:
        return load_app(target)
    except UsageError as error:
        raise CommandError(str(error)) from error


def is_of_the_code(error: CommandError, target: str) -> bool:
    """Whether an app could not be loaded because of its code, which can be mended, not because of a wrong name."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ModuleNotFoundError) and f"{target.partition(':')[0]}.".startswith(f"{cause.name}."):
        return False
    # Each module whose import was under way has a frame of this name.
    return isinstance(cause, SyntaxError) or any(
        frame.name == "<module>" for frame in traceback.extract_tb(cause.__traceback__)
    )


def _module(path: str) -> str:
    file, _, attribute = path.partition(":")
    return f"{file.removesuffix('.py').strip('./').replace('/', '.')}:{attribute or 'app'}"
