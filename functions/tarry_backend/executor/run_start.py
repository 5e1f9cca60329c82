"""The start of a run: the executor writes it without reading it first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.executor.run_admission import RunAdmission, Verdict
from tarry_backend.executor.run_begin import begins
from tarry_backend.executor.run_failures import missing
from tarry_backend.executor.run_journal import LOOKED
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.run import Run, RunSnapshot
from tarry_backend.queues.carried_event import carried_event
from tarry_backend.queues.messages import MessageError, Start
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from tarry import App
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.executor.run_end import OutcomeWriter
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["RunStarter"]


class RunStarter:
    """The starter of runs; it reads those that exist."""

    def __init__(
        self, app: App, store: Store, queues: Queues, outcomes: OutcomeWriter, meter: Meter, version: str
    ) -> None:
        self._app = app
        self._store = store
        self._outcomes = outcomes
        self._meter = meter
        self._version = version or None
        self._admission = RunAdmission(store, queues, meter)

    def snapshot(self, message: RunMessage, delivery: MessageDelivery) -> RunSnapshot | None:
        """Return the run with its steps, as this executor has it."""
        snapshot = self._found(message, delivery)
        return None if snapshot is None else replace(snapshot, behind=delivery.behind)

    def _found(self, message: RunMessage, delivery: MessageDelivery) -> RunSnapshot | None:
        """Return the run with its steps. A new run is written and not read: it has no steps yet."""
        if not isinstance(message, Start):
            return self._store.runs.load(message.run_id)
        if message.function_id not in self._app.functions and (there := self._store.runs.load(message.run_id)):
            return there
        return self._started(message, delivery)

    def _started(self, message: Start, delivery: MessageDelivery) -> RunSnapshot | None:
        if message.function_id not in self._app.functions:
            self._check_unwanted(message)
        batch = self._batch(message)
        received, moment = batch[0] if batch else carried_event(message.carried, self._store.log), now()
        run = Run(
            id=message.run_id,
            function_id=message.function_id,
            event=received.event,
            received_at=received.received_at,
            started=delivery.clock(message).earliest(),
            due=None if batch else begins(received.event, moment),
            version=self._version,
            batch=batch,
        )
        function = self._app.functions.get(message.function_id)
        verdict, run = self._admission.admit(function, run, message.once)
        match verdict:
            case Verdict.BEFORE if (there := self._store.runs.load(run.id)) is not None:
                return there
            case Verdict.BEFORE | Verdict.NOT:
                self._outcomes.answer(run)
                return None
        self._meter.count("Started")
        self._outcomes.remind(run)  # if this fails, SQS delivers the message again, and ``_apply_again`` repeats it
        return RunSnapshot(run)

    def _batch(self, message: Start) -> tuple[ReceivedEvent, ...]:
        """Return the events of a batch; none if the run starts by one event. One that is gone holds up no others.

        Raises:
            MessageError: The log no longer has any of them.
        """
        if not message.batch:
            return ()
        places = [EventPlace.parse(*fields) for fields in message.batch]
        found = list(self._store.log.find_all(places, lambda name: self._store.names.recent(name).log_shards))
        there = tuple(each for each in found if each is not None)
        if not there:
            raise MessageError(f"the log no longer has any event of the batch that starts run {message.run_id}")
        if len(there) < len(found):
            logger.error(
                "run %s lacks %s events of its batch: they left the log", message.run_id, len(found) - len(there)
            )
        return there

    def was_cancelled(self, run: Run) -> bool:
        """Return whether the run was cancelled before it began. It costs nothing if the start is at most a second old.

        start     sent ── fails … dead letter ─────────────────────── redriven: finds the mark
        cancel                                  mark ── no run: mark
        """
        is_late = now() - run.received_at > LOOKED or run.function_id not in self._app.functions
        return is_late and self._store.runs.is_cancel_requested(run.id)

    def _check_unwanted(self, message: Start) -> None:
        """Check that a run whose function is missing is to be cancelled: that does not need its function.

        Raises:
            MessageError: It is to run. The message stays as a dead letter, until the function is back.
        """
        if not self._store.runs.is_cancel_requested(message.run_id):
            problem = missing(self._app, message.function_id).message
            raise MessageError(f"{problem}, then redrive the dead-letter queue")
