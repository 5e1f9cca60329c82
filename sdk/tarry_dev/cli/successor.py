"""The process that takes the place of a ``tarry dev`` whose code changed: the same command, from the beginning.

A fresh process is the one exact way to take up new code: no module, client, thread or registry of the old code is in
it. Its runs are on disk, and the socket on which it listens is handed over.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

__all__ = ["Successor"]

_LISTENER = "TARRY_DEV_LISTENER"
"""The variable that names the socket which the process before this one left open."""

_PATIENCE = 120
"""For how many seconds a trial of the new code may import."""


class Successor:
    """The command as it was given. Make it before the app is imported: code may change folder and environment."""

    def __init__(self) -> None:
        self._folder = Path.cwd()
        self._environment = dict(os.environ)
        listener = self._environment.pop(_LISTENER, None)
        os.environ.pop(_LISTENER, None)
        self.listener = None if listener is None else int(listener)

    def why_not(self, target: str) -> str | None:
        """Import the app in a process of its own; return what is wrong with it, or ``None``."""
        code = "import sys; from tarry_dev.cli.successor import check; check(sys.argv[1])"
        try:
            trial = subprocess.run(
                [sys.executable, "-c", code, target],
                cwd=self._folder,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"app {target!r}: its import takes longer than {_PATIENCE} seconds"
        lines = trial.stderr.strip().splitlines()
        return None if trial.returncode == 0 else (lines[-1] if lines else f"exit code {trial.returncode}")

    def take_over(self, listener: int | None) -> NoReturn:
        """Replace this process by a new one of the same command and id. What is registered for the exit runs first."""
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.chdir(self._folder)
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], self._with(listener))

    def _with(self, listener: int | None) -> Mapping[str, str]:
        if listener is None:
            return self._environment
        return self._environment | {_LISTENER: str(listener)}


def check(target: str) -> None:
    """Import the app; end with exit code 1, and what is wrong on the last line, if it cannot be imported."""
    from tarry_dev.cli.apps import find_app

    try:
        find_app(target)
    except CommandError as error:
        sys.exit(" ".join(str(error).split()))
