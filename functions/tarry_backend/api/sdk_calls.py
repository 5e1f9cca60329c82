"""The calls that the SDKs of remote apps make: events, syncs, signals, and the state of a run that is large."""

from __future__ import annotations

import base64
import hmac
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tarry.errors import EventError, LimitError, SendError, TarryError, UsageError
from tarry.event import Event, base32
from tarry.signalreceipt import SignalStatus
from tarry_backend.remote.address import checked_address
from tarry_backend.remote.directory import check_apart, functions_of
from tarry_backend.remote.manifest import SyncError, read_manifest
from tarry_backend.remote.signatures import is_bearer
from tarry_backend.remote.states import event_document, steps_document
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from tarry._wire.bus import EventBus
    from tarry.signals import Signals
    from tarry_backend.remote.manifest import AppManifest
    from tarry_backend.store import Store

__all__ = ["SdkCall", "SdkCalls"]

_SEED = "x-inngest-event-id-seed"

_RESERVED = "inngest/"

_MOST_EVENTS = 5_000
"""The most events of one request."""

_STATE = re.compile(r"/v0/runs/([^/]{1,64})/(actions|batch)")

_FIELDS = ("name", "data", "id", "ts", "user")

Reply = tuple[HTTPStatus, Any]


@dataclass(frozen=True, slots=True)
class SdkCall:
    """A call. The names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SdkCalls:
    """Answers calls of SDKs.

    ``event_key`` and ``signing_key`` are what an app has to know; both are ``None`` in development, where every
    program of the machine may call. ``own`` are the ids of the stack's own functions. ``synced`` is called after a sync
    by which an app's functions have changed.
    """

    stack_app: str
    store: Store
    bus: EventBus
    signals: Signals
    event_key: str | None = None
    signing_key: Callable[[], str | None] = lambda: None
    own: Container[str] = ()
    synced: Callable[[str], None] = lambda _: None

    def answer(self, call: SdkCall) -> Reply | None:
        """Return the answer; ``None`` if this is no call of an SDK."""
        match call.method, call.path:
            case "GET", "/dev":
                return HTTPStatus.OK, {"version": "tarry", "functions": [], "handlers": []}
            case "POST", path if path.startswith("/e/"):
                return self._guarded(self._events, call)
            case (("POST" | "PUT"), "/fn/register"):
                return self._guarded(self._register, call)
            case "POST", "/v1/signals":
                return self._guarded(self._signal, call)
            case "GET", path if found := _STATE.fullmatch(path):
                return self._guarded(lambda _: self._state(found[1], found[2]), call)
            case _, path if path.startswith(("/v0/", "/v1/", "/fn/")):
                return self._guarded(_lacking, call)
        return None

    def _guarded(self, answer: Callable[[SdkCall], Reply], call: SdkCall) -> Reply:
        if not self._is_allowed(call):
            return HTTPStatus.UNAUTHORIZED, {"error": "the key is not this stack's", "status": 401}
        try:
            return answer(call)
        except SendError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(error), "status": 503}
        except (ValueError, TypeError, LookupError, RecursionError, TarryError) as error:
            logger.warning("a call of an SDK, %s %s, is refused: %s", call.method, call.path[:20], error)
            return HTTPStatus.BAD_REQUEST, {"error": str(error), "status": 400}

    def _is_allowed(self, call: SdkCall) -> bool:
        """Events come with the event key, in the path; all else with a hash of the signing key. In constant time."""
        if call.path.startswith("/e/"):
            given = call.path.removeprefix("/e/")
            return self.event_key is None or hmac.compare_digest(
                given.encode("utf-8", "surrogatepass"), self.event_key.encode()
            )
        key = self.signing_key()
        return key is None or is_bearer(key, call.headers.get("authorization", ""))

    def _events(self, call: SdkCall) -> Reply:
        """Put events on the bus. An SDK that sends them again gives the same seed, so they get the same ids."""
        given = json.loads(call.body)
        entries = given if isinstance(given, list) else [given]
        if len(entries) > _MOST_EVENTS:
            raise LimitError(f"a request has {len(entries):,} events; at most {_MOST_EVENTS:,} are allowed")
        ids = _ids(call.headers.get(_SEED, ""))
        events = [_event(entry, ids(place)) for place, entry in enumerate(entries)]
        return HTTPStatus.OK, {"ids": self.bus.send(events), "status": 200}

    def _register(self, call: SdkCall) -> Reply:
        """Take in an app that registers itself. A sync is refused as a whole, with every reason."""
        report = json.loads(call.body)
        url = str(report.get("url") or "") if isinstance(report, dict) else ""
        try:
            manifest = read_manifest(report, url, call.headers.get("x-inngest-sdk", ""))
            self._check(manifest, url)
        except SyncError as error:
            logger.error("%s", error)
            return HTTPStatus.BAD_REQUEST, {"ok": False, "error": str(error), "status": 400}
        is_new = self.store.remote_apps.put(manifest.id, manifest.text())
        if is_new:
            self.synced(manifest.id)
        return HTTPStatus.OK, {"ok": True, "modified": is_new, "status": 200}

    def _check(self, manifest: AppManifest, url: str) -> None:
        """Check that the stack can host the app, and would call it over TLS."""
        if self.signing_key() is not None and not url.startswith("https://"):
            raise SyncError(manifest.id, [f"its address is {url[:200]!r}; a deployed stack calls only https://"])
        try:
            checked_address(url)
        except UsageError as error:
            raise SyncError(manifest.id, [str(error)]) from error
        functions_of(manifest, self.stack_app, self.signing_key)
        check_apart(manifest, self.store.remote_apps.all(), self.own)

    def _signal(self, call: SdkCall) -> Reply:
        given = json.loads(call.body)
        receipt = self.signals.send(given["signal"], given.get("data"), None, None)
        if receipt.status is SignalStatus.NOBODY_WAITS:
            return HTTPStatus.NOT_FOUND, {"error": "no run waits for the signal", "status": 404}
        return HTTPStatus.OK, {"data": {"run_id": receipt.run_id}, "metadata": {}}

    def _state(self, run_id: str, part: str) -> Reply:
        """Return a run's steps or its events: an app fetches what is too large for a request."""
        snapshot = self.store.runs.load(run_id)
        if snapshot is None:
            return HTTPStatus.NOT_FOUND, {"error": f"there is no run {run_id}", "status": 404}
        if part == "batch":
            return HTTPStatus.OK, [event_document(event) for event in snapshot.run.events]
        return HTTPStatus.OK, steps_document(snapshot.steps)


def _lacking(call: SdkCall) -> Reply:
    """Say what Tarry does not have, in the log too: an SDK shows its user the status alone."""
    told = f"Tarry does not have {call.path[:100]!r} of Inngest's API"
    logger.warning("an app asks for what is not to be had: %s", told)
    return HTTPStatus.NOT_FOUND, {"error": told, "status": 404}


def _event(entry: Any, made_id: str) -> Event:
    if not isinstance(entry, dict):
        raise EventError("an event is a JSON object with name and data")
    fields = {name: entry[name] for name in _FIELDS if entry.get(name) is not None}
    event = Event.from_raw({**fields, "id": str(fields.get("id") or made_id)})
    if event.name.startswith(_RESERVED):
        raise EventError(f"event name {event.name!r}: names that begin with {_RESERVED!r} are the server's own")
    return event


def _ids(seed: str) -> Callable[[int], str]:
    """Return the ids of events by their places in a request: ULIDs that count on from the seed; without one, new."""
    moment, _, entropy = seed.partition(",")
    try:
        time, first = int(moment), int.from_bytes(base64.b64decode(entropy, validate=True))
        if not entropy or not 0 <= time < 1 << 48:
            raise ValueError
    except ValueError:
        return lambda _: ""
    return lambda place: base32(time << 80 | (first + place) % (1 << 80))
