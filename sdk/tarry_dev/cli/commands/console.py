"""The command ``tarry console``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import Stack  # noqa: TC001 - typer reads it

__all__ = ["console"]


def console(
    stack: Stack = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 0,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse every action.")] = False,
    browse: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Show runs, waits and events in the browser, and why an event did not match.

    For a stack it serves the pages on localhost, until Ctrl-C, and asks AWS with your own credentials: nothing is
    deployed for it. The address that it prints has a token; keep it to yourself.

    Without a stack it opens the pages of the tarry dev of this folder, which has them at its own address.

    \b
    Examples:
      tarry console --stack tarry-shop
      tarry console --stack tarry-shop --read-only --no-browse --port 8788
    """
    from tarry_dev.cli.console import open_dev_console, serve_console

    if stack is None:
        open_dev_console(browse)
    else:
        serve_console(stack, port, read_only, browse)
