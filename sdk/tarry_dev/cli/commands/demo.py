"""The command ``tarry demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tarry_dev.cli.screen import screen

__all__ = ["demo"]


def demo(
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Events, one JSON object a line, as tarry send takes them.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--app", metavar="MODULE:APP", help="The app that receives them.")
    ] = None,
) -> None:
    """Send a file of events to an app on an embedded AWS, move time, and show what happened.

    Without options, it uses the files and apps of the examples. A line is {"name": ..., "data": {...}}, and optionally
    id, user, ts; or an entry as put-events takes it: Source, DetailType, Detail (an object, or JSON text) and
    optionally Time. Or it advances the clock: {"advance": "1h"}.
    The clock also advances to an entry's Time. After the last line, time goes on until all runs have ended.

    \b
    Examples:
      tarry demo
      tarry demo --events mine.jsonl
      tarry demo --events mine.jsonl --app shop.functions:app
    """
    from tarry_dev.cli.demo import show

    show(events, target, screen())
