"""The remote apps of ``tarry dev -u``: they are asked for their functions at the start, and every two seconds."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from rich.text import Text

from tarry_backend.remote.ways import connect
from tarry_dev.cli.screen import BAD, QUIET
from tarry_dev.cloud.remote_apps import RemoteApps

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tarry import App
    from tarry_dev.cloud.remote_apps import Synced

__all__ = ["Syncs", "remote_apps"]

_EVERY = 2.0
"""Seconds between two syncs of an app."""


def remote_apps(urls: tuple[str, ...], own: App) -> RemoteApps:
    """Return the remote apps at these addresses.

    Raises:
        UsageError: An address is not HTTP's.
    """
    for url in urls:
        connect(url, None)
    return RemoteApps(urls, own)


class Syncs:
    """Syncs remote apps while this is entered, and shows what changes. ``changed`` is called after a change."""

    def __init__(self, remote: RemoteApps, console: Console, changed: Callable[[], None]) -> None:
        self._remote = remote
        self._console = console
        self._changed = changed
        self._shown: dict[str, str | None] = {}
        self._stopping = Event()
        self._thread = Thread(target=self._keep_syncing, name="tarry-sync", daemon=True)

    def __enter__(self) -> Self:
        self._sync()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _keep_syncing(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._sync()

    def _sync(self) -> None:
        results = self._remote.sync()
        if any(each.changed or each.url not in self._shown for each in results):
            self._changed()
        for each in results:
            self._show(each)

    def _show(self, synced: Synced) -> None:
        """Show a sync that brought something, and a failed one, but each failure once."""
        known = synced.url in self._shown
        if synced.why_not is not None:
            if not known or self._shown[synced.url] != synced.why_not:
                self._console.print(Text(f"{synced.url}: {synced.why_not}; it is asked again", BAD), soft_wrap=True)
        elif synced.changed or not known or self._shown[synced.url] is not None:
            names = ", ".join(synced.functions) or "no functions"
            self._console.print(Text(f"{synced.url} is synced: {names}", QUIET), soft_wrap=True)
        self._shown[synced.url] = synced.why_not
