"""``tarry dev``: an app on the embedded cloud, in real time, until Ctrl-C."""

from __future__ import annotations

import errno
import signal
import socket
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from tarry import TriggerEvent
from tarry_backend.clock import now
from tarry_dev.cli.audit_query import FOLDER
from tarry_dev.cli.endpoint import Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.logs import log_lines
from tarry_dev.cli.screen import QUIET
from tarry_dev.cli.watch import Watch
from tarry_dev.cloud import Cloud, RealClock
from tarry_dev.cloud.schedules import times_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from rich.console import Console, RenderableType

    from tarry import App
    from tarry.function import Function
    from tarry.triggers import Trigger

__all__ = ["serve"]

_LOOK = 0.1
"""Seconds between two checks for the end."""


def serve(app: App, target: str, port: int, console: Console, allowed_hosts: Sequence[str] = ()) -> None:
    """Serve the app until Ctrl-C. Everything but the audit trail is in memory, and lost at the end."""
    Endpoint.check_alone()
    _check_free(port)
    watch = Watch(console)
    with (
        _interruptible() as ended,
        log_lines(console, watch.look_at),
        Cloud(app, clock=RealClock(), on_delivery=watch, audit=FOLDER.absolute()) as cloud,
        cloud.serve(port, allowed_hosts) as server,
        _written(Endpoint.of(cloud, server.url)) as endpoint,
    ):
        console.print(_banner(app, target, endpoint))
        while not ended:
            time.sleep(_LOOK)
        console.print(Text(f"\nended; its runs and events are lost, the audit trail stays in {FOLDER}", QUIET))


@contextmanager
def _written(endpoint: Endpoint) -> Iterator[Endpoint]:
    endpoint.write()
    try:
        yield endpoint
    finally:
        endpoint.remove()


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Catch the signal by which Ctrl-C, or a supervisor, ends the command. A second Ctrl-C ends the process.

    This does not use an event: Python's handlers run in the main thread only. A lock without a timeout would block it
    when the system delivers the signal to another thread.
    """
    ended: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if ended:
            raise KeyboardInterrupt
        ended.append(number)

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _check_free(port: int) -> None:
    with socket.socket() as probe, suppress(PermissionError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"port {port} is in use, perhaps by another tarry dev; choose another, such as --port {port + 1}"
                ) from error
            raise


def _banner(app: App, target: str, endpoint: Endpoint) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    grid.add_row("Tarry", f"app {app.id} ({target}) on an embedded AWS, in real time")
    for function in app.functions.values():
        grid.add_row("", f"{_called(function)} starts {_starts(function)}")
    name = next((_example(each.event) for f in app.functions.values() for each in f.event_triggers), "app/event")
    grid.add_row("Send", f"""tarry send {name} '{{"key": "value"}}'""")
    grid.add_row("", f"""curl {endpoint.url}/events -d '{{"name": "{name}", "data": {{"key": "value"}}}}'""")
    grid.add_row("Look", "tarry runs, tarry run ID, tarry waits, tarry events")
    settings = endpoint.settings
    grid.add_row("Ask", f"""tarry events --sql "select name, count(*) from events group by 1" ({FOLDER})""")
    grid.add_row("AWS", f"{endpoint.url} {endpoint.region}, bus {settings['bus']}, table {settings['table']}")
    grid.add_row("End", f"Ctrl-C; everything but {FOLDER} is in memory only")
    return grid


def _called(function: Function) -> str:
    return function.id if function.name == function.id else f"{function.name} ({function.id})"


def _starts(function: Function) -> str:
    return f"with {', '.join(map(_start, function.triggers))}" if function.triggers else "when a step invokes it"


def _start(trigger: Trigger) -> str:
    if isinstance(trigger, TriggerEvent):
        return trigger.event
    following = datetime.fromtimestamp(next(times_after(trigger, now())) / 1000, ZoneInfo(trigger.timezone))
    return f"cron {trigger.cron} ({trigger.timezone}), next on {following:%a %-d %b at %H:%M}"


def _example(trigger: str) -> str:
    return f"{trigger.removesuffix('*')}example" if trigger.endswith("*") else trigger
