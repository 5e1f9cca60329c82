"""``tarry dev`` as a process of its own, in a folder of its own, and the commands that ask it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar
from unittest.mock import patch

import botocore.session
import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from tarry_dev.cli import send
from tarry_dev.cli.commands.registry import app as commands

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0

_command = cache(get_command)
"""Made once, as in the command's own process. To make it takes four fifths of a question's time."""

loader = cache(botocore.session.create_loader)
"""What AWS's services understand is read once, too. To read it takes half of the time of a question to a stack."""


class Dev:
    """An app, served until ``stop``. Without a target the project's file names it; it starts ``within`` the folder."""

    def __init__(self, target: str | None, folder: Path, *options: str, wait: bool = True, within: str = ".") -> None:
        self._file = folder / ".tarry/dev.json"
        self._written = TemporaryFile("w+")  # noqa: SIM115 - as long as this object
        self._ended: str | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tarry_dev.cli", "dev", *([target] if target else []), "--port", "0", *options],
            cwd=folder / within,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"},
            stdout=self._written,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return once it listens."""
        try:
            eventually(self._is_up)
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"tarry dev did not come up: {self.output}") from None

    @property
    def endpoint(self) -> dict[str, Any]:
        """What the process has written down for the other commands."""
        fields: dict[str, Any] = json.loads(self._file.read_text())
        return fields

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.endpoint["url"])

    @property
    def output(self) -> str:
        """What the process has written so far."""
        if self._ended is not None:
            return self._ended
        return os.pread(self._written.fileno(), 10_000_000, 0).decode()

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ends it, and returns its exit code. One that does not end says where its threads are."""
        if self._ended is not None:
            return self._process.returncode
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            self._process.wait(_PATIENCE)
            raise AssertionError(f"tarry dev did not end: {self.output}") from None
        self._ended = self.output
        self._written.close()
        return self._process.returncode

    def _is_up(self) -> bool:
        with suppress(OSError, ValueError):
            return bool(self.endpoint["pid"] == self._process.pid)  # not the file of one that was killed
        return False


@contextmanager
def served(folder: Path, source: str) -> Iterator[Dev]:
    """``tarry dev`` with the app in ``source``, ``mine:app``, while this process stands in its folder."""
    (folder / "mine.py").write_text(source)
    dev = Dev("mine:app", folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("COLUMNS", "120")
            yield dev
    finally:
        dev.stop()


def ask(*arguments: str, stdin: str | None = None) -> Result:
    """What a command says, given where this process stands.

    ``tarry send`` waits a fifth of a second, instead of one, for what no receipt has announced.
    """
    with (
        patch.object(testing, "_get_command", _command),
        patch.object(botocore.session, "create_loader", loader),
        patch.object(send, "_EFFECT", 0.2),
    ):
        return CliRunner().invoke(commands, arguments, input=stdin, catch_exceptions=False)


def succeed(*arguments: str, stdin: str | None = None) -> str:
    """What one writes that does not fail."""
    result = ask(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def document(*arguments: str) -> Any:
    """What one writes for programs."""
    return json.loads(succeed(*arguments, "--json"))


def eventually(get: Callable[[], T], pause: float = 0.1) -> T:
    """The first value that is true: the process does its work in its own time. A costly question takes a ``pause``.

    What takes long to ask is asked at longer intervals: else the questions take the time of who is to answer. The
    first questions come sooner, for most things happen at once.
    """
    end = time.monotonic() + max(_PATIENCE, 60 * pause)
    rest = pause / 8
    while True:
        asked = time.monotonic()
        if value := get():
            return value
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(max(rest, time.monotonic() - asked))
        rest = min(pause, 1.5 * rest)
