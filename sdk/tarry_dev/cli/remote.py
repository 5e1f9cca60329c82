"""``tarry sync`` and ``tarry apps``: the remote apps of a stack."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from tarry.errors import TarryError
from tarry_backend.model.moment import iso
from tarry_backend.remote.directory import check_apart, functions_of
from tarry_backend.remote.manifest import AppManifest
from tarry_backend.remote.remote_stack import RemoteStack
from tarry_backend.remote.sync import ask_for_manifest
from tarry_backend.remote.ways import connect
from tarry_backend.store import open_store
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.stacks import connect_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry_backend.store.remote_apps import RemoteApps

__all__ = ["forget_app", "list_apps", "show_environment", "sync_app"]

_PATIENCE = 60.0

_GATEWAY = "GatewayUrl"
"""The stack output with the address of the gateway."""


@dataclass(frozen=True, slots=True)
class _Stack:
    app_id: str
    apps: RemoteApps
    remote: RemoteStack
    outputs: Mapping[str, str]
    own: tuple[str, ...]


def sync_app(address: str, stack: str | None, as_json: bool) -> None:
    """``tarry sync``."""
    with _hosting(stack) as there:
        try:
            key = there.remote.signing_key
            manifest = ask_for_manifest(connect(address, key()), _PATIENCE)
            if manifest is None:
                raise CommandError(
                    f"the app at {address} does not list its functions in its answer: start it without INNGEST_DEV and "
                    "with the variables that tarry apps --env writes, or update its SDK"
                )
            functions = functions_of(manifest, there.app_id, key)
            check_apart(manifest, there.apps.all(), there.own)
            changed = there.apps.put(manifest.id, manifest.text())
        except TarryError as error:
            raise CommandError(str(error)) from error
    if as_json:
        print_json({"app": manifest.id, "changed": changed, "functions": sorted(functions)})
        return
    effect = "in effect within a minute" if changed else "nothing has changed"
    screen().print(f"app {manifest.id} is synced, {effect}: {', '.join(functions) or 'it has no functions'}")


def list_apps(stack: str | None, as_json: bool) -> None:
    """``tarry apps``."""
    with _hosting(stack) as there:
        found = [(AppManifest.parse(text), synced) for text, synced in there.apps.all().values()]
    if as_json:
        print_json(
            {
                "apps": [
                    {
                        "id": each.id,
                        "url": each.url,
                        "sdk": each.sdk,
                        "synced": iso(synced),
                        "functions": [function["id"] for function in each.functions],
                    }
                    for each, synced in found
                ]
            }
        )
        return
    table = Table("app", "address", "SDK", "changed", "functions", box=None)
    for each, synced in found:
        table.add_row(each.id, each.url, each.sdk, iso(synced), str(len(each.functions)))
    screen().print(table)


def show_environment(stack: str | None) -> None:
    """``tarry apps --env``: the variables that an app needs. They are secret."""
    with _hosting(stack) as there:
        print(f"INNGEST_SIGNING_KEY={there.remote.signing_key()}")
        print(f"INNGEST_EVENT_KEY={there.remote.event_key()}")
        print(f"INNGEST_BASE_URL={there.outputs.get(_GATEWAY, '')}")


def forget_app(app_id: str, stack: str | None) -> None:
    """``tarry apps --remove``."""
    with _hosting(stack) as there:
        if not there.apps.remove(app_id):
            raise CommandError(f"there is no remote app {app_id!r}; tarry apps lists them")
    screen().print(f"app {app_id} is removed within a minute; its runs rest until it is synced again")


@contextmanager
def _hosting(stack: str | None) -> Iterator[_Stack]:
    if stack is None:
        raise CommandError("name the stack, --stack NAME; tarry dev -u URL syncs by itself")
    with connect_stack(stack) as tarry:
        settings = tarry.deployment.settings
        if not settings.signing_secret:
            raise CommandError(f"stack {stack!r} hosts no remote apps: deploy it with TarryStack(remote=[...])")
        apps = open_store(settings).remote_apps
        app_id, outputs = tarry.deployment.app_id, tarry.outputs
        own = tuple(json.loads(outputs["Functions"]))
        yield _Stack(app_id, apps, RemoteStack(app_id, apps.all, settings), outputs, own)
