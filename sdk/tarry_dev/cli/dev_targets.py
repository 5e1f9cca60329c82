"""Which apps ``tarry dev`` serves: those that the person names, or those of the project's file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.project_file import ProjectFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tarry_dev.cli.dev_wishes import Wishes

__all__ = ["serve_all"]


def serve_all(targets: Sequence[str], wishes: Wishes, console: Console) -> None:
    """Serve these apps, and those at the addresses of ``wishes``; without either, what the project's file names.

    Raises:
        CommandError: There is nothing to serve, or it cannot be served.
    """
    if targets or wishes.urls:
        _serve(targets, wishes, console, "-u")
        return
    project = ProjectFile.enter(", or an app by the official Inngest SDK by -u URL")
    with project.named():
        _serve(project.apps, replace(wishes, urls=project.urls), console, f"urls of [tool.tarry] in {project.file}")


def _serve(targets: Sequence[str], wishes: Wishes, console: Console, urls_from: str) -> None:
    if wishes.urls and len(targets) > 1:
        raise CommandError(f"with {urls_from}, name one app at most")
    if len(targets) <= 1:
        # Only now: several apps have a process each, and this one loads little.
        from tarry_dev.cli.dev import run

        run(targets[0] if targets else None, wishes, console)
        return
    from tarry_dev.cli.dev_apps import run_all

    run_all(targets, wishes, console)
