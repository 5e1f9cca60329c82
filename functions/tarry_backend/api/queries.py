"""The answers of the HTTP API: what an event did, the state of a run, and its cancellation, retry and rerun."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError, ServiceError

from tarry._wire.limits import why_not_id, why_not_name, why_not_value
from tarry.durations import milliseconds
from tarry.event import new_id
from tarry_backend.api.asked_event import AmbiguousError, AskedEvent, find_event
from tarry_backend.api.documents import event_receipt_document, run_page
from tarry_backend.api.held_back import held_back
from tarry_backend.api.receipts import receipt
from tarry_backend.clock import now
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.rerun_runs import RerunError, edited, request_rerun
from tarry_backend.queues.retry_runs import RetryError, request_retry

if TYPE_CHECKING:
    from tarry_backend.api.documents import Document
    from tarry_backend.deploy.manifest import HostedManifest, Manifest
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["Api"]

_SHOWN = 80
"""The most characters of an id or name in an error."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API of one app. It raises an error with an HTTP status for what it cannot answer."""

    app: Manifest | HostedManifest
    store: Store
    queues: Queues

    def receipt(self, event_id: str, name: str | None, source: str | None, since: str) -> Document:
        """Return what an event did, and missed.

        An event is known by source, name and id. It is looked for in the log of its name, back to ``since``, and among
        the runs. Finding it by id alone would need a table scan.
        """
        _check("id", event_id, why_not_id(event_id))
        if name is None:
            raise BadRequestError(f"event {event_id} needs its name, too (?name=order/paid): an id is not unique")
        _check("name", name, why_not_name(name))
        back, moment = milliseconds(since), now()
        logged = partial(self.store.queries.events_of_id, event_id, name, moment - back, moment)
        app_id, functions = self.app.id, self.app.functions
        try:
            found = find_event(AskedEvent(event_id, name, source), app_id, functions, self.store, logged)
        except AmbiguousError as error:
            raise BadRequestError(f"{error} (&source=...)") from error
        if found is None:
            by = "" if source is None else f" from {source}"
            raise NotFoundError(f"no event {name}{by} in the last {since} has the id {event_id}")
        return event_receipt_document(receipt(found, app_id, functions, self.store, facts=self.app.facts))

    def run(self, run_id: str) -> Document:
        """Return a run with all its steps."""
        snapshot = self._snapshot(run_id)
        function = self.app.functions.get(snapshot.run.function_id)
        held = None if function is None else held_back(snapshot.run, function, self.store)
        return run_page(snapshot, held)

    def cancel(self, run_id: str) -> Document:
        """Cancel a run, or the newest of its chain. It still says running: a step that executes now ends first."""
        run = self._snapshot(run_id).run
        if run.successor is not None:
            run = self.store.chains.newest(run.id) or run
        if run.status is RunStatus.RUNNING:
            request_cancel([run.id], self.store, self.queues)
        elif run.status is not RunStatus.CANCELLED:
            raise ServiceError(HTTPStatus.CONFLICT, f"run {run.id} is already {run.status}: there is nothing to cancel")
        return {"id": run.id, "status": run.status.value}

    def retry(self, run_id: str, step: str | None) -> Document:
        """Retry a failed run in place, from the step that ended it or from another failed one."""
        run = self._snapshot(run_id).run
        try:
            run = request_retry(run.id, self.app.functions, self.store, self.queues, step)
        except RetryError as error:
            raise ServiceError(HTTPStatus.CONFLICT, str(error)) from error
        return {"id": run.id, "status": run.status.value, "life": run.life}

    def rerun(self, run_id: str, step: str | None, nonce: str | None, body: str | None) -> Document:
        """Start a run again as a new run. A request that is repeated with the same ``nonce`` makes one run.

        The body may hold other fields of the event: a JSON object with ``data``, ``user``, or both.
        """
        run = self._snapshot(run_id).run
        try:
            event = edited(run.event, _object(body)) if body else None
            new = request_rerun(
                run.id,
                self.app.functions,
                self.store,
                self.queues,
                nonce=nonce or new_id(),
                step_key=step,
                event=event,
            )
        except RerunError as error:
            raise ServiceError(HTTPStatus.CONFLICT, str(error)) from error
        return {"id": new.id, "status": new.status.value, "rerun_of": run.id, "from": step}

    def _snapshot(self, run_id: str) -> RunSnapshot:
        if (snapshot := self.store.runs.load(run_id.upper())) is None:
            raise NotFoundError(f"there is no run {run_id[:_SHOWN]}")
        return snapshot


def _object(body: str) -> dict[str, object]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON ({error})") from None
    if not isinstance(fields, dict) or why_not_value(fields):
        raise BadRequestError('the body is not a JSON object such as {"data": {...}}, or it is nested too deep')
    return fields


def _check(what: str, value: str, why_not: str | None) -> None:
    """Refuse what no event can have, before it becomes part of a key."""
    if why_not is not None:
        raise BadRequestError(f"the {what} {value[:_SHOWN]!r} {why_not}")
