"""``tarry dev`` with several apps: a process for each of them, and this one, which starts and ends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import RLock, Thread
from typing import TYPE_CHECKING

from rich.text import Text

from tarry_dev.bus_file import BusFile
from tarry_dev.cli.dev_files import bus_file, forget_bus
from tarry_dev.cli.dev_place import Place
from tarry_dev.cli.endpoint import FILE, Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.interrupt import interruptible
from tarry_dev.cli.screen import BAD, QUIET
from tarry_dev.cli.successor import Successor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tarry_dev.cli.dev_wishes import Wishes

__all__ = ["run_all"]

_LOOK = 0.1
"""Seconds between two checks for the end."""

_LAST_PORT = 65_535


def run_all(targets: Sequence[str], wishes: Wishes, console: Console) -> None:
    """Serve the apps until Ctrl-C, or until all of them have ended.

    Raises:
        CommandError: An app could not be served at all, or ended by itself.
    """
    _check(targets, wishes)
    if (listener := Successor().listener) is not None:
        os.close(listener)  # there was one app before, and pyproject.toml names several now
    Endpoint.check_alone()
    places = [Place(target, number) for number, target in enumerate(targets)]
    for place in places:
        place.file.unlink(missing_ok=True)
    if wishes.fresh:
        forget_bus()
    Endpoint.write_group([place.file.name for place in places])
    BusFile.prepare(bus_file(Path.cwd()), targets)
    screen = _Lines(console, max(map(len, targets)))
    members: list[_Member] = []
    try:
        with interruptible() as ended:
            members += [_Member(place, wishes, screen) for place in places]
            failed = _wait(members, ended, console)
            _end(members, ended)
    finally:
        for member in members:
            member.kill()
        Endpoint.remove_own()
    console.print(Text(f"ended; their runs go on when they start again (kept in {FILE.parent})", QUIET))
    if failed:
        raise CommandError("; ".join(failed))


def _check(targets: Sequence[str], wishes: Wishes) -> None:
    if twice := next((each for place, each in enumerate(targets) if each in targets[:place]), None):
        raise CommandError(f"{twice!r} is given twice: name each app once")
    if wishes.port and (last := wishes.port + len(targets) - 1) > _LAST_PORT:
        raise CommandError(f"each app takes a port, up to {last} here; choose a lower --port")


def _wait(members: Sequence[_Member], ended: Sequence[int], console: Console) -> list[str]:
    """Wait until the end is asked for, or comes; return what went wrong.

    An app that could not be served at all was named wrongly, or its port is taken: then the command ends. One that
    ends later, as by ``os._exit`` in a step, leaves the others alone.
    """
    failed: dict[_Member, str] = {}
    while not ended and len(failed) < len(members):
        time.sleep(_LOOK)
        for member in members:
            code = member.code
            if code is None or member in failed or ended:
                continue
            failed[member] = f"{member.label} ended by itself, with exit code {code}"
            if not member.was_served:
                return list(failed.values())
            console.print(Text(f"{failed[member]}; the others go on", BAD), soft_wrap=True)
    return list(failed.values())


def _end(members: Sequence[_Member], ended: list[int]) -> None:
    """Have each member end its bodies and itself. A second Ctrl-C raises ``KeyboardInterrupt``, and they are killed."""
    if not ended:
        ended.append(0)
    for member in members:
        member.end()
    while any(member.code is None for member in members):
        time.sleep(_LOOK)
    for member in members:
        member.read_out()


class _Lines:
    """The screen that all share: whole lines, each with the app that it is of."""

    def __init__(self, console: Console, width: int) -> None:
        self._console = console
        self._width = width
        self._one_at_a_time = RLock()

    @property
    def has_colours(self) -> bool:
        return self._console.is_terminal

    def show(self, label: str, line: str) -> None:
        with self._one_at_a_time:
            text = Text.assemble((f"{label:<{self._width}}", "bold"), (" │ ", QUIET), Text.from_ansi(line))
            self._console.print(text, soft_wrap=True)


class _Member:
    """The process of one app."""

    def __init__(self, place: Place, wishes: Wishes, lines: _Lines) -> None:
        self._place = place
        self._lines = lines
        self._app: str | None = None
        port = wishes.port and wishes.port + (place.number or 0)
        options = ["--port", str(port), *(each for name in wishes.allowed_hosts for each in ("--allow-host", name))]
        options += ["--fresh"] if wishes.fresh else []
        options += [] if wishes.reload else ["--no-reload"]
        colours = {"FORCE_COLOR": "1"} if lines.has_colours else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tarry_dev.cli", "dev", place.target, *options],
            env={"PYTHONIOENCODING": "utf-8", **os.environ, "PYTHONUNBUFFERED": "1", **colours, **place.variables},
            stdin=subprocess.PIPE,  # its end is the end of the process, also if this one is killed
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C comes to this process alone: a second one would kill it
        )
        self._reader = Thread(target=self._read, name=f"tarry-{place.number}", daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """The exit code, once the process has ended."""
        return self._process.poll()

    @property
    def was_served(self) -> bool:
        """Whether its app was served at least once."""
        return self.label != self._place.target

    @property
    def label(self) -> str:
        """The app's id, or the target until it is known."""
        if self._app is None:
            with suppress(OSError, ValueError):
                fields = json.loads(self._place.file.read_text())
                self._app = str(fields["app"]) if fields["pid"] == self._process.pid else None
        return self._app or self._place.target

    def end(self) -> None:
        """Ask it to end."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self.code is None:
            self._process.kill()
            self._process.wait()

    def read_out(self) -> None:
        """Show its last lines. A process that its code has left behind may hold the pipe open."""
        self._reader.join(2)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.show(self.label, line.decode(errors="replace").rstrip("\r\n"))
