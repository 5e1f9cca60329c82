"""The command line, ``tarry``."""

from __future__ import annotations

import sys

from tarry_dev.cli.commands.registry import app

__all__ = ["main"]


def main() -> None:
    """The entry point. What a terminal's encoding lacks is shown as ``?``, not as a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
