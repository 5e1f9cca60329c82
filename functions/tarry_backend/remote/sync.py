"""The sync: an app says which functions it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.remote.answers import AppError, read_answer
from tarry_backend.remote.answers import Result as Report
from tarry_backend.remote.manifest import read_manifest

if TYPE_CHECKING:
    from tarry_backend.remote.connection import Connection
    from tarry_backend.remote.manifest import AppManifest

__all__ = ["ask_for_manifest"]

_KIND = "x-inngest-sync-kind"


def ask_for_manifest(connection: Connection, patience: float) -> AppManifest | None:
    """Ask an app for its functions; return ``None`` if it registers itself instead, by ``/fn/register``.

    Raises:
        AppError: It does not answer, or refuses.
        SyncError: Its answer is no report.
    """
    document = {"url": connection.url.partition("#")[0]}
    answer = connection.ask("PUT", {}, document, patience, x_inngest_sync_kind="in_band")
    reply = read_answer(answer)
    if not isinstance(reply, Report):
        shown = answer.body[:300].decode(errors="replace")
        raise AppError(f"the app at {connection.url} refuses to be synced: status {answer.status}, {shown}")
    if answer.headers.get(_KIND) != "in_band":
        return None
    return read_manifest(reply.value, connection.url, answer.headers.get("x-inngest-sdk", ""))
