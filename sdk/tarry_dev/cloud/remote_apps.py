"""Remote apps on the embedded cloud: apps of official Inngest SDKs, which answer under their own addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry import App
from tarry_backend.api.sdk_calls import SdkCalls
from tarry_backend.remote.answers import AppError
from tarry_backend.remote.directory import Directory, JoinedApp, check_apart, functions_of
from tarry_backend.remote.manifest import SyncError
from tarry_backend.remote.sync import ask_for_manifest
from tarry_backend.remote.ways import connect
from tarry_backend.runtime import runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.store.remote_apps import RemoteApps as StoredApps

__all__ = ["STACK_APP", "RemoteApps", "Synced"]

STACK_APP = "remote"
"""The id of the app of a cloud that hosts remote apps alone."""

_PATIENCE = 10.0
"""How many seconds an app may take to say which functions it has."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync brought: ``changed`` if the app's functions are others than before; ``why_not`` if it failed."""

    url: str
    app_id: str | None = None
    functions: tuple[str, ...] = ()
    changed: bool = False
    why_not: str | None = None


class RemoteApps:
    """The remote apps of one embedded cloud. ``app`` is the app to host: its own functions, and the remote ones.

    Args:
        urls: Where the apps' SDKs answer.
        own: An app with functions of its own, if there is one.
        key: The signing key, with which requests are signed; without one, nothing is.
        event_key: The key with which apps send events; without one, any will do.
    """

    def __init__(
        self, urls: tuple[str, ...], own: App | None = None, key: str | None = None, event_key: str | None = None
    ) -> None:
        self.urls = urls
        self._key = key
        self._event_key = event_key
        own = own or App(STACK_APP)
        self._directory = Directory(own.id, self._known, lambda: key)
        self.app = JoinedApp(own, self._directory)

    @property
    def calls(self) -> SdkCalls:
        """What answers the calls of SDKs, while the cloud is open."""
        app, store = self.app, runtime().store
        key, own = (lambda: self._key), app.own.functions
        return SdkCalls(
            app.id, store, app.bus, app.signals, self._event_key, key, own, lambda _: self._directory.forget()
        )

    def sync(self) -> list[Synced]:
        """Ask each app for its functions. An app that registers itself has done so when this returns."""
        return [self._sync(url) for url in self.urls]

    def _sync(self, url: str) -> Synced:
        stored, before = self._stored, self._known()
        try:
            manifest = ask_for_manifest(connect(url, self._key), _PATIENCE)
            if manifest is not None:
                functions = tuple(functions_of(manifest, self.app.id, lambda: self._key))
                check_apart(manifest, before, self.app.own.functions)
                changed = stored.put(manifest.id, manifest.text())
                if changed:
                    self._directory.forget()
                return Synced(url, manifest.id, functions, changed)
        except (AppError, SyncError) as error:
            return Synced(url, why_not=str(error))
        after = self._known()
        changed_ids = [app_id for app_id, row in after.items() if before.get(app_id) != row]
        own = [each.id for each in self._directory.functions().values()]
        return Synced(url, changed_ids[0] if changed_ids else None, tuple(own), bool(changed_ids))

    @property
    def _stored(self) -> StoredApps:
        return runtime().store.remote_apps

    def _known(self) -> Mapping[str, tuple[str, int]]:
        return self._stored.all()
