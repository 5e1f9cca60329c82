"""The command line, ``tarry``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command that the arguments name.

    The script ``tarry`` is installed with and without the extra ``local``. Without it the command ends with one line
    that says what to install, and exit code 1.
    """
    from tarry_dev.cli.collector import begin
    from tarry_dev.cli.output import writable_output

    begin()
    try:
        with writable_output():
            from tarry_dev.cli.commands.registry import app

            app()
    except ModuleNotFoundError as error:
        from tarry._extras import explained

        if (hint := explained(error)) is error:
            raise
        sys.exit(f"error: {hint}")
