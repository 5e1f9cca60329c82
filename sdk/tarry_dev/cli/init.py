"""``tarry init``: a new project, and its next steps."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tarry_dev.init import Project

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["write_project"]


def write_project(folder: Path, console: Console) -> None:
    """Write the project, and print its next steps."""
    Project.at(folder).write()
    console.print(f"{folder.resolve().name} is ready. Next:", soft_wrap=True)
    if folder.resolve() != Path.cwd():
        console.print(f"  cd {shlex.quote(str(folder))}", soft_wrap=True)
    console.print("  make test      its tests on an embedded AWS (sets up .venv/ first)")
    console.print("  make dev       the functions in real time; README.md says what to send them")
    console.print("  make deploy    on your AWS account")
