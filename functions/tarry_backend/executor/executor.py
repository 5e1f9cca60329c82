"""The executor: it applies a message to a run, replays the function, and stores the outcome."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.durations import MAX_DURATION
from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.events.audit_stream import AuditStream
from tarry_backend.executor.announcer import Announcer
from tarry_backend.executor.apply_message import MessageApplier
from tarry_backend.executor.cancel_guards import overdue
from tarry_backend.executor.run_begin import guarded, lacks_guards
from tarry_backend.executor.run_clock import RunClock
from tarry_backend.executor.run_end import OutcomeWriter
from tarry_backend.executor.run_failures import died, expired, missing
from tarry_backend.executor.run_journal import LOOKED, RunJournal
from tarry_backend.model.run import Run, RunSnapshot, RunStatus
from tarry_backend.queues.carried_event import carried_event
from tarry_backend.queues.messages import (
    CancelRun,
    MessageError,
    Returned,
    RunMessage,
    Start,
    Wake,
    decode,
)
from tarry_backend.replay import Failure, Paused, Replayed, Status, replay, ungiven
from tarry_backend.store.traffic import Traffic
from tarry_backend.telemetry import concerning, logger

if TYPE_CHECKING:
    from tarry import App, Event, Function
    from tarry._wire.bus import EventBus
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.queues.messages import Message, RunUpdate
    from tarry_backend.queues.sender import Queues
    from tarry_backend.replay import Step
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["MAX_DEATHS", "Executor"]

MAX_DEATHS = 3
"""How many deaths of executors over one message a run survives. The next death fails it."""

_TOLERANCE = 1_000
"""A run begins at once if its event's ``ts`` is ahead by at most this many milliseconds: clocks differ."""


class Executor:
    """The executor of messages to runs. The FIFO queue gives one run's messages to one executor at a time."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        store: Store,
        queues: Queues,
        bus: EventBus,
        meter: Meter,
    ) -> None:
        self._app = app
        self._settings = settings
        self._store = store
        self._queues = queues
        self._bus = bus
        self._meter = meter
        self._traffic = Traffic()
        self._applier = MessageApplier(store, queues, meter)
        announcer = Announcer(app, store, bus, AuditStream(settings.audit_stream))
        self._outcomes = OutcomeWriter(app.id, store, queues, announcer, meter)

    def handle(self, body: str, delivery: MessageDelivery) -> None:
        """Handle one message of the runs queue; raise ``MessageError`` if it is not one of this app's."""
        message = _run_message(decode(body))
        snapshot = self._snapshot(message, delivery)
        if snapshot is None and isinstance(message, Start):
            logger.info("event %s starts no run: another has the same idempotency value", message.carried.id)
            self._meter.count("Duplicates")
        elif snapshot is None and isinstance(message, CancelRun):
            self._store.runs.request_cancel([message.run_id], now())  # its start may be a dead letter, redriven later
        elif snapshot is None:
            logger.warning("run %s does not exist (any more): the executor drops its %s", message.run_id, message.kind)
        elif snapshot.run.status is not RunStatus.RUNNING:
            # Open steps show that the executor which ended the run died, and that its message is now a dead letter.
            if delivery.again or any(_goes_on(step) for step in snapshot.parts):
                self._outcomes.conclude(snapshot)
            elif isinstance(message, Start):
                self._outcomes.answer(snapshot.run)  # to a caller that asks once more: see ``RunJournal.invoke``
        elif isinstance(message, CancelRun):
            self._outcomes.cancel(snapshot)  # this does not need its function
        elif (failure := expired(snapshot, now())) is not None:
            self._outcomes.fail(snapshot, failure)
        elif isinstance(message, Returned) and snapshot.step(message.step_key) is None:
            logger.info(
                "run %s could not store step %s: the executor drops the answer", message.run_id, message.step_key
            )
        else:
            self._apply(message, snapshot, delivery)

    def _snapshot(self, message: RunMessage, delivery: MessageDelivery) -> RunSnapshot | None:
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
        received, moment = carried_event(message.carried, self._store.log), now()
        run = Run(
            id=message.run_id,
            function_id=message.function_id,
            event=received.event,
            received_at=received.received_at,
            started=_clock(message, delivery).earliest(),
            due=_begins(received.event, moment),
        )
        runs = self._store.runs
        if not (runs.create(run) if message.once is None else runs.create_once(run, message.once)):
            return runs.load(run.id)
        self._meter.count("Started")
        self._outcomes.remind(run)  # if this fails, SQS delivers the message again, and ``_apply_again`` repeats it
        return RunSnapshot(run)

    def _apply(self, message: RunUpdate, snapshot: RunSnapshot, delivery: MessageDelivery) -> None:
        function = self._app.functions.get(snapshot.run.function_id)  # None: it was removed while the run waited
        with concerning(run_id=snapshot.run.id, function_id=snapshot.run.function_id):
            snapshot = self._store.runs.hold(snapshot, now())  # first: nothing depends on a step that may expire
            if delivery.again:
                self._apply_again(function, message, snapshot, delivery)
            elif (applied := self._applier.apply(message, snapshot)) is not None:
                news = applied.ended_steps - snapshot.ended_steps
                self._go_on(function, message, applied, self._journal(message, applied, delivery), news)

    def _apply_again(
        self, function: Function | None, message: RunUpdate, snapshot: RunSnapshot, delivery: MessageDelivery
    ) -> None:
        """Repeat all that may be missing: the last executor has failed or died somewhere on the way."""
        before = snapshot
        snapshot = self._suspect(snapshot, delivery)
        attempt_since = snapshot.run.attempt_since
        if snapshot.run.deaths > MAX_DEATHS:
            self._outcomes.fail(snapshot, died(snapshot.run.deaths))
            return
        try:
            snapshot = self._applier.apply(message, snapshot) or snapshot
            snapshot, taken = self._applier.look_again(snapshot)
            news = snapshot.ended_steps - before.ended_steps + ungiven(before.steps)
            journal = self._journal(message, snapshot, delivery)
            journal.taken.update(taken)
            self._outcomes.remind(snapshot.run)
            for step in snapshot.steps:
                journal.remind(step)
            self._go_on(function, message, snapshot, journal, news)
        except Exception:
            self._absolve(replace(before.run, attempt_since=attempt_since))
            raise

    def _go_on(
        self, function: Function | None, message: RunUpdate, snapshot: RunSnapshot, journal: RunJournal, news: int
    ) -> None:
        """Cancel the run, if it is to be cancelled, or replay its function. Its first message opens its guards."""
        if isinstance(message, Start) and self._was_cancelled(snapshot.run):
            self._outcomes.cancel(snapshot)
            return
        if function is not None and (isinstance(message, Start) or lacks_guards(function, snapshot)):
            try:
                snapshot = guarded(function, snapshot, journal)
            except UsageError as error:
                self._outcomes.fail(replace(snapshot, guards=journal.guards()), Failure.of(error))
                return
        why = snapshot.run.cancellation or overdue(snapshot.guards, journal.now())
        if why is not None:
            self._outcomes.cancel(snapshot, why)
        elif function is None:
            self._outcomes.park(snapshot, missing(self._app, snapshot.run.function_id), journal.now())
        else:
            self._replay(function, snapshot, journal, news)

    def _replay(self, function: Function, snapshot: RunSnapshot, journal: RunJournal, news: int) -> None:
        if snapshot.rests(journal.now()) and not journal.taken:  # a repeated message does not hasten the attempt
            self._outcomes.leave(snapshot.run)
            return
        run = snapshot.run
        news = max(news, min(snapshot.attempt, 1))  # the function raised after the newest result, and begins there anew
        replayed = Replayed(
            run.id,
            run.event,
            run.received_at,
            snapshot.attempt,
            news,
            started=run.started,
            attempt_since=run.attempt_since,
        )
        outcome = replay(function, replayed, snapshot.steps, journal, self._settings.max_steps)
        snapshot = replace(snapshot, steps=journal.steps())
        if journal.cancellation is not None and isinstance(outcome, Paused):
            self._outcomes.cancel(snapshot, journal.cancellation)
        elif isinstance(outcome, Paused) and (error := journal.vain()):
            self._outcomes.fail(snapshot, Failure.of(error))
        else:
            self._outcomes.keep(snapshot, outcome, function.retries)

    def _journal(self, message: RunUpdate, snapshot: RunSnapshot, delivery: MessageDelivery) -> RunJournal:
        return RunJournal(
            snapshot,
            self._store,
            self._queues,
            self._bus,
            app=self._app,
            meter=self._meter,
            traffic=self._traffic,
            settle=self._settings.settle_seconds,
            log_days=self._settings.log_days,
            clock=_clock(message, delivery),
            out_of_time=delivery.out_of_time,
        )

    def _was_cancelled(self, run: Run) -> bool:
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

    def _suspect(self, snapshot: RunSnapshot, delivery: MessageDelivery) -> RunSnapshot:
        """Count this delivery as a death before the function can cause another one.

        The run stores since when attempts may have been under way, until one has gone through. The message may
        become a dead letter, and a later one may perform the step that its executors began.

            message 1    step begins ── dies … ten times ── dead letter
            message 2                                                      the step again, kept: it began at first
        """
        run = snapshot.run
        deaths = run.deaths + 1 if run.suspect == delivery.message_id else 1
        since = min(delivery.first_received, run.attempt_since or delivery.first_received)
        run = replace(run, suspect=delivery.message_id, deaths=deaths, attempt_since=since)
        self._store.runs.save(run)
        return replace(snapshot, run=run)

    def _absolve(self, run: Run) -> None:
        """Take back the death of an executor that failed in an orderly way: the function is not to blame."""
        with suppress(Exception):  # the error raised now is the one that counts
            self._store.runs.save(run)


def _begins(event: Event, moment: int) -> int | None:
    """Return when a run begins whose event has a future time; ``None`` if it begins at once."""
    return min(event.ts, moment + MAX_DURATION) if event.ts > moment + _TOLERANCE else None


def _clock(message: RunUpdate, delivery: MessageDelivery) -> RunClock:
    return RunClock(message.due if isinstance(message, Wake) else 0, delivery.arrived, delivery.first_received)


def _goes_on(step: Step) -> bool:
    """Return whether the step is open, and the run's end has not withdrawn it."""
    return step.is_open and step.status is not Status.WITHDRAWN


def _run_message(message: Message) -> RunMessage:
    if isinstance(message, RunMessage):
        return message
    raise MessageError(f"a {message.kind} message does not belong in the runs queue")
