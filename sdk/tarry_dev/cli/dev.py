"""``tarry dev``: an app on the embedded cloud, in real time, until Ctrl-C."""

from __future__ import annotations

import errno
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.text import Text

from tarry import App, TriggerEvent
from tarry_backend.clock import now
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_dev.cli.apps import find_app, is_of_the_code
from tarry_dev.cli.audit_query import FOLDER
from tarry_dev.cli.collector import settle
from tarry_dev.cli.dev_console import console_of
from tarry_dev.cli.dev_files import clock_file, forget, state_file
from tarry_dev.cli.dev_place import Place
from tarry_dev.cli.endpoint import FILE, Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.interrupt import interruptible
from tarry_dev.cli.logs import log_lines
from tarry_dev.cli.screen import BAD, QUIET, complain
from tarry_dev.cli.sources import Sources, version_of
from tarry_dev.cli.successor import Successor
from tarry_dev.cli.times import span
from tarry_dev.cli.watch import Watch
from tarry_dev.cloud import AheadClock, Cloud
from tarry_dev.cloud.schedules import times_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from rich.console import Console

    from tarry.function import Function
    from tarry.triggers import Trigger
    from tarry_dev.cli.dev_wishes import Wishes
    from tarry_dev.cloud.remote_apps import RemoteApps
    from tarry_dev.cloud.server import Server

__all__ = ["run"]

_LOOK = 0.1
"""Seconds between two checks for the end."""

_LOOK_AT_FILES = 0.5
"""Seconds between two looks at the app's files."""

_REMOTE = "-u "
"""What the target begins with if the command hosts remote apps alone."""

_KNOWN = 1_000
"""Of how many runs from before a restart the old transitions are not shown again."""


def run(target: str | None, wishes: Wishes, console: Console) -> None:
    """Serve the app until Ctrl-C, and take up new code whenever a file of the app changes."""
    if target is None:
        _run_remote(wishes, console)
        return
    successor, sources, place = Successor(), Sources(target), Place.here(target)
    place.end_with_parent()
    if sys.platform == "win32":  # no process can be replaced there
        wishes = replace(wishes, reload=False)
    try:
        app = find_app(target)
    except CommandError as error:
        if not (wishes.reload and is_of_the_code(error, target)):
            raise
        complain(str(error))
        if _is_mended(sources, console):
            successor.take_over(successor.listener)
        Endpoint.remove_own(place.file)
        return
    listener = None
    try:
        listener = _serve(app, place, wishes, console, successor, sources)
    finally:
        if listener is None:
            Endpoint.remove_own(place.file)
    if listener is not None:
        successor.take_over(listener)


def _run_remote(wishes: Wishes, console: Console) -> None:
    """Serve remote apps alone: there is no code here that could change."""
    from tarry_dev.cloud.remote_apps import STACK_APP

    place = Place.here(_REMOTE + ", ".join(wishes.urls))
    try:
        _serve(App(STACK_APP), place, replace(wishes, reload=False), console, Successor(), Sources(""))
    finally:
        Endpoint.remove_own(place.file)


def _serve(
    app: App, place: Place, wishes: Wishes, console: Console, successor: Successor, sources: Sources
) -> int | None:
    """Serve until Ctrl-C, or until there is new code: then return the socket for the process that has it."""
    remote = _remote_apps(wishes, app)
    app = app if remote is None else remote.app
    kept = _take(place, app, wishes, successor)
    watch, clock = Watch(console), AheadClock(clock_file(app.id))
    with (
        interruptible() as ended,
        log_lines(console, watch.look_at),
        _cloud(app, place.target, clock, watch) as cloud,
        ExitStack() as life,
    ):
        go_on = watch.know(runtime().store.queries.newest_runs(app.functions, [RunStatus.RUNNING], _KNOWN))
        life.enter_context(place.shared(cloud))
        server = cloud.serve(wishes.port, wishes.allowed_hosts, successor.listener)
        settle()  # before the server's threads begin: theirs is Garbage, which takes over what it finds
        life.enter_context(server)
        life.enter_context(console_of(cloud, server, wishes.allowed_hosts))
        watch.url = server.url
        endpoint = Endpoint.of(cloud, server.url, clock_file(app.id))
        endpoint.write(place.file)
        if successor.listener is None:
            console.print(_banner(app, place.target, endpoint, clock.ahead), soft_wrap=True)
        if remote is not None:
            life.enter_context(_syncs(remote, console, cloud, server, place))
        if go_on:
            console.print(
                Text(f"{go_on} run{'s go' if go_on > 1 else ' goes'} on from before; --fresh forgets them", QUIET)
            )
        if wishes.reload and _is_to_reload(place.target, successor, sources, console, ended):
            _say(console, "new code: ", "it is taken up when the bodies that run have ended", kept)
            listener = server.hand_over()
            life.close()
            if not ended:
                return listener
        while not ended:
            time.sleep(_LOOK)
        life.close()
        _say(console, "\nended; ", f"its runs go on when it starts again (kept in {FILE.parent})", kept)
    return None


def _say(console: Console, what: str, then: str, kept: Path) -> None:
    """Print what happens, and ``then``; unless somebody has removed the file in which the runs are kept."""
    gone = f"{FILE.parent} was removed meanwhile, so its runs are forgotten"
    console.print(Text(f"{what}{then}", QUIET) if kept.exists() else Text(f"{what}{gone}", BAD))


def _take(place: Place, app: App, wishes: Wishes, successor: Successor) -> Path:
    """Take the place for the app; return the file in which its runs are kept."""
    place.take(app)
    if successor.listener is None:
        _check_free(wishes.port)
        if wishes.fresh:
            forget(app.id)
    return state_file(app.id)


def _remote_apps(wishes: Wishes, own: App) -> RemoteApps | None:
    """Return the remote apps that the person names. What hosts them is loaded only for them."""
    if not wishes.urls:
        return None
    from tarry_dev.cli.dev_remote import remote_apps

    return remote_apps(wishes.urls, own)


def _syncs(
    remote: RemoteApps, console: Console, cloud: Cloud, server: Server, place: Place
) -> AbstractContextManager[object]:
    from tarry_dev.cli.dev_remote import Syncs

    def write_endpoint() -> None:
        Endpoint.of(cloud, server.url, clock_file(cloud.app.id)).write(place.file)

    server.sdk_calls = remote.calls
    console.print(Text(f"start each remote app with INNGEST_DEV={server.url}", QUIET), soft_wrap=True)
    return Syncs(remote, console, write_endpoint)


def _cloud(app: App, target: str, clock: AheadClock, watch: Watch) -> Cloud:
    kept_in, version = state_file(app.id), version_of(target)
    return Cloud(app, clock=clock, on_delivery=watch, audit=FOLDER.absolute(), kept_in=kept_in, version=version)


def _is_to_reload(target: str, successor: Successor, sources: Sources, console: Console, ended: Sequence[int]) -> bool:
    """Return true once a file changed and the app can be imported; false when the command is to end."""
    changed, look = sources.changed, 0.0
    while not ended:
        time.sleep(_LOOK)
        if time.monotonic() < look:
            continue
        look = time.monotonic() + _LOOK_AT_FILES
        if not (files := changed()):
            continue
        console.print(Text(f"{_shown(files)} changed", QUIET))
        if (why_not := successor.why_not(target)) is None:
            return True
        complain(why_not)
        console.print(Text("fix it, I am watching; the old code goes on meanwhile", QUIET))
        changed = sources.changed_anywhere
    return False


def _is_mended(sources: Sources, console: Console) -> bool:
    """Return true once a file changed; false when the command is to end."""
    console.print(Text("fix it, I am watching (Ctrl-C ends)", QUIET))
    with interruptible() as ended:
        while not ended:
            time.sleep(_LOOK_AT_FILES)
            if files := sources.changed_anywhere():
                console.print(Text(f"{_shown(files)} changed", QUIET))
                return True
    return False


def _shown(files: Sequence[Path]) -> str:
    first = files[0]
    name = first.relative_to(Path.cwd()) if first.is_relative_to(Path.cwd()) else first
    return f"{name}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")


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


def _banner(app: App, target: str, endpoint: Endpoint, ahead: int) -> Text:
    return Text("\n").join(
        Text.assemble((f"{label:<7}", "bold"), line) for label, line in _hints(app, target, endpoint, ahead)
    )


def _hints(app: App, target: str, endpoint: Endpoint, ahead: int) -> Iterator[tuple[str, str | Text]]:
    """Yield labels and lines. A terminal may wrap a line, but nothing else does: each command can be copied."""
    yield "Tarry", f"app {app.id} ({target}) on an embedded AWS, in real time"
    for function in app.functions.values():
        yield "", f"{_called(function)} starts {_starts(function)}"
    if not app.functions and not target.startswith(_REMOTE):
        yield "", Text(f"it has no functions: decorate them with create_function of this app, {target}", BAD)
    name = next((_example(each.event) for f in app.functions.values() for each in f.event_triggers), "app/event")
    if ahead:
        yield "", f"time is {span(ahead)} ahead, as tarry advance moved it"
    yield "Page", f"{endpoint.url} shows runs, waits and events in the browser"
    yield "Send", f"""tarry send {name} '{{"key": "value"}}'"""
    yield "", f"""curl {endpoint.url}/events -d '{{"name": "{name}", "data": {{"key": "value"}}}}'"""
    yield "Look", "tarry runs, tarry run ID, tarry waits, tarry events"
    yield "Time", "tarry advance 3d, tarry advance --next"
    yield "Ask", f"""tarry events --sql "select name, count(*) from events group by 1" ({FOLDER})"""
    settings = endpoint.settings
    yield "AWS", f"{endpoint.url} {endpoint.region}, bus {settings['bus']}, table {settings['table']}"
    yield "End", f"Ctrl-C; runs, waits and events stay in {FILE.parent}, --fresh forgets them"


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
