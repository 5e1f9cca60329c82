"""The command ``tarry init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tarry_dev.cli.screen import screen

__all__ = ["init"]


def init(folder: Annotated[Path, typer.Argument(metavar="NAME", help="The folder, and the package in it.")]) -> None:
    """Write a small project of your own: functions, their tests, a CDK app.

    NAME is a new or empty folder; its name is that of the Python package with the functions. In it `make test`,
    `make dev` and `make deploy` work at once.

    \b
    Examples:
      tarry init shop
      tarry init ~/projects/shop
    """
    from tarry_dev.cli.init import write_project

    write_project(folder, screen())
