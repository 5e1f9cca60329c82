"""What commands ask of an app and do to it, where its store is at hand: on AWS, and inside ``tarry dev``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry_backend.api.asked_event import AmbiguousError, find_event
from tarry_backend.api.held_back import held_back
from tarry_backend.api.queue_lengths import queue_lengths
from tarry_backend.api.receipts import receipt
from tarry_backend.clock import now
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.function_control import drain, pause, resume, set_limit
from tarry_backend.queues.rerun_runs import RerunError, edited, request_rerun
from tarry_backend.queues.retry_runs import RetryError, request_retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import Event, SignalReceipt
    from tarry._wire.bus import EventBus
    from tarry.signals import Signals
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.deploy.outputs import Deployment
    from tarry_backend.model.bulk import Bulk
    from tarry_backend.model.control import Control, HeldBack, Limited
    from tarry_backend.model.queue_length import QueueLength
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot, RunStatus
    from tarry_backend.model.step import Step
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["StoreLookups"]


def _all(_page: int) -> bool:
    return True


@dataclass(frozen=True)
class StoreLookups:
    """Lookups and actions over a store. ``signals_function`` is the name of the signals Lambda.

    ``on_page`` is called with the number of each page of a scan, and returns whether to read on.
    """

    deployment: Deployment
    store: Store
    signals_function: str | None = None

    def run(self, run_id: str) -> Run | None:
        """Return a run without its steps."""
        return self.store.runs.run(run_id)

    def newest(self, run_id: str) -> Run | None:
        """Return the newest run of the run's chain: the run itself, if it has not handed over."""
        return self.store.chains.newest(run_id)

    def snapshot(self, run_id: str) -> RunSnapshot | None:
        """Return a run with its steps."""
        return self.store.runs.load(run_id)

    def newest_runs(self, functions: Sequence[str], statuses: Sequence[RunStatus], limit: int) -> list[RunSnapshot]:
        """Return the newest runs of these functions with one of these statuses, newest first."""
        return self.store.queries.newest_runs(functions, statuses, limit)

    def run_ids(self, functions: Sequence[str], prefix: str) -> list[str]:
        """Return the ids with that prefix, among the newest runs."""
        return self.store.queries.run_ids(functions, prefix)

    def running(self, function: str, since: int, until: int, limit: int | None = None) -> list[str]:
        """Return the ids of the function's open runs that began in ``[since, until]``."""
        return list(islice(self.store.queries.running(function, since, until), limit))

    def open_waits(self, limit: int) -> list[tuple[Run, Step]]:
        """Return the open waits with the nearest deadlines."""
        return list(islice(self.store.queries.open_waits(), limit))

    def newest_events(
        self, name: str | None, since: int, until: int, limit: int, on_page: Callable[[int], bool] = _all
    ) -> list[ReceivedEvent]:
        """Return the newest events of that name, or of every name, in the order of their receipt."""
        return list(deque(self.store.queries.events(name, since, until, on_page), maxlen=limit))

    def events_of_id(self, event_id: str, name: str | None, since: int, until: int) -> list[ReceivedEvent]:
        """Return the events of that name with that id."""
        return list(self.store.queries.events_of_id(event_id, name, since, until))

    def event(self, asked: AskedEvent, since: str, on_page: Callable[[int], bool] = _all) -> ReceivedEvent | None:
        """Return the event that is asked for; raise ``UsageError`` if there are several.

        The lookup goes back to ``since``, in the log of its name if one is given.
        """
        back, moment, told = milliseconds(since), now(), self.deployment
        logged = partial(self.store.queries.events_of_id, asked.id, asked.name, moment - back, moment, on_page)
        try:
            return find_event(asked, told.app_id, told.functions, self.store, logged)
        except AmbiguousError as error:
            raise UsageError(f"{error}: choose one with --name and --source") from error

    def receipt(self, received: ReceivedEvent) -> Receipt:
        """Return an event's receipt."""
        told = self.deployment
        return receipt(received, told.app_id, told.functions, self.store, facts=told.facts)

    def send(self, events: Iterable[Event]) -> list[str]:
        """Put events of the app on its bus; return their ids."""
        return self._bus.send(list(events))

    def put(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> list[str]:
        """Put entries on the app's bus as ``put-events`` takes them; return EventBridge's ids.

        Raises:
            SendError: The bus refused some of them, or a request failed. The others are on the bus.
        """
        import boto3

        from tarry_dev.entries import put_entries

        bus = self.deployment.settings.bus
        return put_entries([{**entry, "EventBusName": bus} for entry in entries], boto3.client("events"))

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask the executor to cancel these runs."""
        request_cancel(run_ids, self.store, self._queues)

    def started(self, function: str, statuses: Sequence[RunStatus], since: int, until: int) -> list[str]:
        """Return the ids of the function's runs of these statuses that began in ``[since, until]``, in order."""
        found = self.store.queries.started(function, statuses, since, until)
        return list(dict.fromkeys(run_id for _, run_id in found))

    def some_runs(self, run_ids: Sequence[str]) -> list[Run]:
        """Return those of these runs that exist, without their steps, in this order."""
        there = self.store.runs.some(run_ids)
        return [there[run_id] for run_id in run_ids if run_id in there]

    def retry(self, run_id: str, step: str | None = None, asked_by: str | None = None) -> Run | str:
        """Retry a failed run; return it, or why it cannot be retried."""
        try:
            return request_retry(run_id, self.deployment.functions, self.store, self._queues, step, asked_by)
        except RetryError as error:
            return str(error)

    def rerun(
        self, run_id: str, nonce: str, step: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Run | str:
        """Start a run again, with other fields of its event if they are given; return the new run, or why not."""
        functions, run = self.deployment.functions, None if fields is None else self.store.runs.run(run_id)
        try:
            event = None if run is None or fields is None else edited(run.event, dict(fields))
            return request_rerun(run_id, functions, self.store, self._queues, nonce=nonce, step_key=step, event=event)
        except RerunError as error:
            return str(error)

    def bulk(self, bulk_id: str) -> Bulk | None:
        """Return what is known of a bulk."""
        return self.store.bulks.get(bulk_id)

    def begin_bulk(self, bulk_id: str, what: str, total: int, began: int) -> None:
        """Store that a command begins, or goes on with, a bulk."""
        self.store.bulks.begin(bulk_id, what, total, now(), began)

    def tell_bulk(self, bulk_id: str, done: int, ended: str | None = None) -> Bulk:
        """Store how far the command has come; return the bulk, which may have been asked to stop."""
        return self.store.bulks.tell(bulk_id, done, now(), ended)

    def stop_bulk(self, bulk_id: str) -> Bulk | None:
        """Ask the command that drives the bulk to stop."""
        return self.store.bulks.stop(bulk_id)

    def held_back(self, run: Run) -> HeldBack | None:
        """Return what holds the run back, if something does."""
        function = next((each for each in self.deployment.facts if each.id == run.function_id), None)
        return None if function is None else held_back(run, function, self.store)

    def control(self, function: str) -> Control:
        """Return how people control the function."""
        return self.store.controls.of(function)

    def queue_lengths(self) -> dict[str, tuple[QueueLength, ...]]:
        """Return what waits at each function."""
        return queue_lengths(self.deployment.facts, self.store)

    def drain(self, function: str) -> Control:
        """Let the function start no more runs."""
        return drain(function, self.store)

    def pause(self, function: str) -> Control:
        """Pause the function."""
        return pause(function, self.store)

    def resume(self, function: str) -> Control:
        """Let the function go on."""
        return resume(function, self.store, self._queues)

    def limit(self, function: str, limit: int | None, of: Limited = "concurrency") -> Control:
        """Give an option of the function another limit, or its code's."""
        return set_limit(function, limit, self.store, self._queues, of)

    def signal(self, name: str, data: Any, signal_id: str | None, keep: str | None) -> SignalReceipt:
        """Send a signal; return its receipt."""
        return self._signals.send(name, data, signal_id, keep)

    @cached_property
    def _bus(self) -> EventBus:
        from tarry._wire.bus import EventBus

        return EventBus(self.deployment.app_id, self.deployment.settings.bus)

    @cached_property
    def _queues(self) -> Queues:
        from tarry_backend.queues.sender import Queues

        return Queues(self.deployment.settings)

    @cached_property
    def _signals(self) -> Signals:
        from tarry.signals import Signals
        from tarry_backend.deploy.outputs import SIGNALS_FUNCTION

        if self.signals_function is None:
            raise UsageError(
                f"this stack has no output {SIGNALS_FUNCTION}: an older version of Tarry deployed it, without a Lambda"
                " for signals; deploy it again (cdk deploy)"
            )
        return Signals(self.signals_function)
