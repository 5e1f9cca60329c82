"""The failure of a command: one line that says what is wrong, and an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from tarry_dev.cli.output import failure_of_file
from tarry_dev.cli.screen import complain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CommandError", "Commands", "no_function"]


class CommandError(Exception):
    """A command cannot do its work. The person sees only the message. Exit code 1."""


def no_function(function: str, functions: Iterable[str]) -> CommandError:
    """Return the error of a command that names a function which the app does not have."""
    return CommandError(f"there is no function {function!r}: the app has {', '.join(functions)}")


class Commands(TyperGroup):
    """The commands. An expected error becomes a message and exit code 1; any other is a bug, shown with its stack."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.BadParameter):  # no errors of ours: --help, --version, wrong usage
            raise
        except Exception as error:
            if not _is_expected(error):
                raise
            complain(_words(error))
            raise typer.Exit(1) from error


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and (failed := failure_of_file(error)) is not None:
        return failed
    if type(error).__module__ == "sqlite3":
        return f"a file in .tarry, which tarry dev writes, cannot be used: {error}"
    if isinstance(error, CommandError):
        return str(error)
    if "botocore" not in sys.modules:
        return str(error)
    from tarry_dev.cli.refusals import in_words

    return in_words(error) or str(error)


def _is_expected(error: Exception) -> bool:
    if isinstance(error, CommandError) or (isinstance(error, OSError) and failure_of_file(error) is not None):
        return True
    if type(error).__module__ == "sqlite3" and type(error).__name__ == "OperationalError":
        return True
    from tarry import TarryError

    if isinstance(error, TarryError) or "botocore" not in sys.modules:  # without it no call to AWS has failed
        return isinstance(error, TarryError)
    from botocore.exceptions import BotoCoreError, ClientError
    from pynamodb.exceptions import PynamoDBException

    return isinstance(error, BotoCoreError | ClientError | PynamoDBException)
