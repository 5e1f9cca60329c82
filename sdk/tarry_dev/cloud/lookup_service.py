"""The lookups of the command line over HTTP: ``POST /lookups/NAME`` with a JSON list of arguments."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tarry.errors import TarryError
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.runtime import runtime
from tarry_dev.cloud.moto_events import as_aws_service
from tarry_dev.lookups import StoreLookups
from tarry_dev.plain_data import read, written

if TYPE_CHECKING:
    from tarry import App
    from tarry_backend.deploy.settings import Settings

__all__ = ["PATH", "LookupService"]

PATH = "/lookups/"

_NAMES = frozenset(
    {
        "begin_bulk",
        "bulk",
        "cancel",
        "event",
        "events_of_id",
        "newest_events",
        "newest",
        "newest_runs",
        "open_waits",
        "put",
        "receipt",
        "rerun",
        "retry",
        "run",
        "run_ids",
        "running",
        "send",
        "signal",
        "snapshot",
        "some_runs",
        "started",
        "stop_bulk",
        "held_back",
        "control",
        "drain",
        "pause",
        "queue_lengths",
        "resume",
        "limit",
        "tell_bulk",
    }
)
"""The methods of ``StoreLookups`` that may be called."""


class LookupService:
    """Answers for the app of the open cloud. ``signals_function`` is the name of its signals Lambda."""

    def __init__(self, app: App, settings: Settings, signals_function: str) -> None:
        self._app = app
        self._settings = settings
        self._store = runtime().store
        self._signals_function = signals_function

    @property
    def _lookups(self) -> StoreLookups:
        """Over the functions that the app has now: a remote app may have been synced meanwhile."""
        app = self._app
        deployment = Deployment(app.id, tuple(app.functions), self._settings, {}, facts_of(app))
        return StoreLookups(deployment, self._store, self._signals_function)

    def respond(self, path: str, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        """Return the status, and the answer or the error."""
        name = path.removeprefix(PATH)
        if name not in _NAMES:
            return HTTPStatus.NOT_FOUND, {"error": f"there is no lookup {name[:80]!r}"}
        try:
            given = [read(each) for each in json.loads(body)]
            with as_aws_service():  # tarry send may play one: its file is that of tarry demo and of tests
                return HTTPStatus.OK, {"answer": written(getattr(self._lookups, name)(*given))}
        except (ValueError, TypeError, RecursionError, TarryError) as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}
