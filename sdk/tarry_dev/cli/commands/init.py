"""The command ``tarry init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tarry_dev.cli.screen import screen

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(metavar="NAME", help="The new folder, and its Python package.")],
) -> None:
    """Create a small project: functions, their tests, a CDK app.

    NAME is a new or empty folder. The Python package with the functions gets the same name. `make test`,
    `make dev` and `make deploy` work in it at once.

    \b
    Examples:
      tarry init shop
      tarry init ~/projects/shop
    """
    from tarry_dev.cli.init import write_project

    write_project(folder, screen())
