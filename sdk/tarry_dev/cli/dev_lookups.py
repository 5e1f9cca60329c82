"""What commands ask of the ``tarry dev`` that runs here: over HTTP, so that they load no AWS SDK."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tarry_dev.cli.errors import CommandError
from tarry_dev.plain_data import read, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import Event, SignalReceipt
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.model.bulk import Bulk
    from tarry_backend.model.control import Control, HeldBack, Limited
    from tarry_backend.model.queue_length import QueueLength
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot, RunStatus
    from tarry_backend.model.step import Step

__all__ = ["DevLookups"]

_TRIES, _PAUSE = 20, 0.25
"""How often, and after how many seconds each, a command asks again if the server fails."""

_REFUSED, _FAILED = 400, 500


class DevLookups:
    """Asks the ``tarry dev`` at ``url``. Each method is that of ``tarry_dev.lookups.StoreLookups``, and runs there."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._url = url
        # No timeout: a lookup may read a large table. Whoever waits too long ends the command.
        self._http = HTTPConnection(place.hostname or "localhost", place.port)

    def run(self, run_id: str) -> Run | None:
        found: Run | None = self._ask("run", run_id)
        return found

    def newest(self, run_id: str) -> Run | None:
        found: Run | None = self._ask("newest", run_id)
        return found

    def snapshot(self, run_id: str) -> RunSnapshot | None:
        found: RunSnapshot | None = self._ask("snapshot", run_id)
        return found

    def newest_runs(self, functions: Sequence[str], statuses: Sequence[RunStatus], limit: int) -> list[RunSnapshot]:
        found: list[RunSnapshot] = self._ask("newest_runs", list(functions), list(statuses), limit)
        return found

    def run_ids(self, functions: Sequence[str], prefix: str) -> list[str]:
        found: list[str] = self._ask("run_ids", list(functions), prefix)
        return found

    def running(self, function: str, since: int, until: int, limit: int | None = None) -> list[str]:
        found: list[str] = self._ask("running", function, since, until, limit)
        return found

    def open_waits(self, limit: int) -> list[tuple[Run, Step]]:
        found: list[tuple[Run, Step]] = self._ask("open_waits", limit)
        return found

    def newest_events(
        self, name: str | None, since: int, until: int, limit: int, on_page: Callable[[int], bool]
    ) -> list[ReceivedEvent]:
        found: list[ReceivedEvent] = self._ask("newest_events", name, since, until, limit)
        return found

    def events_of_id(self, event_id: str, name: str | None, since: int, until: int) -> list[ReceivedEvent]:
        found: list[ReceivedEvent] = self._ask("events_of_id", event_id, name, since, until)
        return found

    def event(self, asked: AskedEvent, since: str, on_page: Callable[[int], bool]) -> ReceivedEvent | None:
        found: ReceivedEvent | None = self._ask("event", asked, since)
        return found

    def receipt(self, received: ReceivedEvent) -> Receipt:
        made: Receipt = self._ask("receipt", received)
        return made

    def send(self, events: Iterable[Event]) -> list[str]:
        ids: list[str] = self._ask("send", list(events))
        return ids

    def put(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> list[str]:
        ids: list[str] = self._ask("put", list(entries))
        return ids

    def cancel(self, run_ids: Sequence[str]) -> None:
        self._ask("cancel", list(run_ids))

    def started(self, function: str, statuses: Sequence[RunStatus], since: int, until: int) -> list[str]:
        ids: list[str] = self._ask("started", function, list(statuses), since, until)
        return ids

    def some_runs(self, run_ids: Sequence[str]) -> list[Run]:
        found: list[Run] = self._ask("some_runs", list(run_ids))
        return found

    def retry(self, run_id: str, step: str | None = None, asked_by: str | None = None) -> Run | str:
        run: Run | str = self._ask("retry", run_id, step, asked_by)
        return run

    def rerun(
        self, run_id: str, nonce: str, step: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Run | str:
        run: Run | str = self._ask("rerun", run_id, nonce, step, fields)
        return run

    def bulk(self, bulk_id: str) -> Bulk | None:
        found: Bulk | None = self._ask("bulk", bulk_id)
        return found

    def begin_bulk(self, bulk_id: str, what: str, total: int, began: int) -> None:
        self._ask("begin_bulk", bulk_id, what, total, began)

    def tell_bulk(self, bulk_id: str, done: int, ended: str | None = None) -> Bulk:
        found: Bulk = self._ask("tell_bulk", bulk_id, done, ended)
        return found

    def stop_bulk(self, bulk_id: str) -> Bulk | None:
        found: Bulk | None = self._ask("stop_bulk", bulk_id)
        return found

    def held_back(self, run: Run) -> HeldBack | None:
        found: HeldBack | None = self._ask("held_back", run)
        return found

    def control(self, function: str) -> Control:
        found: Control = self._ask("control", function)
        return found

    def queue_lengths(self) -> Mapping[str, tuple[QueueLength, ...]]:
        found: Mapping[str, tuple[QueueLength, ...]] = self._ask("queue_lengths")
        return found

    def drain(self, function: str) -> Control:
        found: Control = self._ask("drain", function)
        return found

    def pause(self, function: str) -> Control:
        found: Control = self._ask("pause", function)
        return found

    def resume(self, function: str) -> Control:
        found: Control = self._ask("resume", function)
        return found

    def limit(self, function: str, limit: int | None, of: Limited = "concurrency") -> Control:
        found: Control = self._ask("limit", function, limit, of)
        return found

    def signal(self, name: str, data: Any, signal_id: str | None, keep: str | None) -> SignalReceipt:
        receipt: SignalReceipt = self._ask("signal", name, data, signal_id, keep)
        return receipt

    def _ask(self, name: str, *given: Any) -> Any:
        body = json.dumps([written(each) for each in given])
        tries, (status, text) = _TRIES, self._post(f"/lookups/{name}", body)
        while status == _FAILED and tries:
            time.sleep(_PAUSE)  # it may be taking up new code, and has closed its cloud
            tries, (status, text) = tries - 1, self._post(f"/lookups/{name}", body)
        try:
            answer = json.loads(text)
            if status == _REFUSED:
                raise CommandError(str(answer["error"]))
            return read(answer["answer"])
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(
                f"the tarry dev at {self._url} is of another version than this command ({status}): end it, and start it"
                " again"
            ) from error

    def _post(self, path: str, body: str) -> tuple[int, bytes]:
        try:
            self._http.request("POST", path, body.encode(), {"Content-Type": "application/json"})
            response = self._http.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            raise CommandError(f"tarry dev at {self._url} ended before it answered ({error})") from error
