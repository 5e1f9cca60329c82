"""The executor: it applies a message to a run, replays the function, and stores the outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.events.audit_stream import AuditStream
from tarry_backend.executor.announcer import Announcer
from tarry_backend.executor.apply_message import MessageApplier
from tarry_backend.executor.cancel_guards import overdue
from tarry_backend.executor.entrance import Entrance
from tarry_backend.executor.hand_over import inherited_past
from tarry_backend.executor.message_delivery import MessageDelivery
from tarry_backend.executor.past_runs import PastRuns
from tarry_backend.executor.run_begin import guarded, lacks_guards
from tarry_backend.executor.run_end import OutcomeWriter
from tarry_backend.executor.run_failures import LATE, died, expired, missing
from tarry_backend.executor.run_journal import RunJournal
from tarry_backend.executor.run_start import RunStarter
from tarry_backend.executor.start_times import StartTimes
from tarry_backend.executor.suspicion import absolve, suspect
from tarry_backend.executor.turns import Turns
from tarry_backend.model.cancellation import BY_HAND, Cancellation
from tarry_backend.model.run import RunSnapshot, RunStatus
from tarry_backend.queues.messages import (
    Admit,
    CancelRun,
    MessageError,
    RemoveObjects,
    RetryRun,
    Returned,
    RunMessage,
    Start,
    decode,
)
from tarry_backend.replay import Continued, Failure, Paused, Replayed, drive, ungiven
from tarry_backend.store.traffic import Traffic
from tarry_backend.telemetry import concerning, logger

if TYPE_CHECKING:
    from tarry import App, Function
    from tarry._wire.bus import EventBus
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.queues.messages import Message, RunUpdate
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["MAX_DEATHS", "Executor"]

MAX_DEATHS = 3
"""How many deaths of executors over one message a run survives. The next death fails it."""


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
        self._outcomes = OutcomeWriter(app.id, store, queues, announcer, meter, settings.version)
        self._starter = RunStarter(app, store, queues, self._outcomes, meter, settings.version)
        self._entrance = Entrance(app, store, queues, meter)
        self._past = PastRuns(store, queues, self._outcomes, self._entrance)
        self._turns = Turns(self._outcomes, StartTimes(store, meter), self._entrance)

    def handle(self, body: str, delivery: MessageDelivery) -> None:
        """Handle one message of the runs queue; raise ``MessageError`` if it is not one of this app's."""
        message = decode(body)
        if isinstance(message, Admit):
            self._entrance.sweep(message.gate, delivery.out_of_time)
        elif isinstance(message, RemoveObjects):
            self._store.objects.remove(message.run_id, now())
        else:
            self._handle(_run_message(message), delivery)

    def _handle(self, message: RunMessage, delivery: MessageDelivery) -> None:
        snapshot = self._starter.snapshot(message, delivery)
        if snapshot is None:
            self._past.drop(message)
        elif isinstance(message, RetryRun):
            self._retry(message)
        elif snapshot.run.status is not RunStatus.RUNNING:
            self._past.handle(message, snapshot, delivery)
        elif snapshot.run.revival is not None:
            self._revive(message, snapshot, delivery)
        elif isinstance(message, CancelRun):
            self._cancel(snapshot)  # this does not need its function
        elif (failure := expired(snapshot, now())) is not None:
            self._fail(snapshot, failure)
        elif isinstance(message, Returned) and snapshot.step(message.step_key) is None:
            logger.info(
                "run %s could not store step %s: the executor drops the answer", message.run_id, message.step_key
            )
        else:
            self._apply(message, snapshot, delivery)

    def _apply(self, message: RunUpdate, snapshot: RunSnapshot, delivery: MessageDelivery) -> None:
        function = self._app.functions.get(snapshot.run.function_id)  # None: it was removed while the run waited
        with concerning(run_id=snapshot.run.id, function_id=snapshot.run.function_id):
            snapshot = self._store.runs.hold(snapshot, now())  # first: nothing depends on a step that may expire
            if delivery.again:
                self._apply_again(function, message, snapshot, delivery)
            elif (applied := self._applier.apply(message, snapshot)) is not None:
                news = applied.ended_steps - snapshot.ended_steps
                journal = self._journal(message, applied, delivery)
                self._go_on(function, message, applied, journal, news, delivery)

    def _apply_again(
        self, function: Function | None, message: RunUpdate, snapshot: RunSnapshot, delivery: MessageDelivery
    ) -> None:
        """Repeat all that may be missing: the last executor has failed or died somewhere on the way."""
        before = snapshot
        snapshot = suspect(self._store.runs, snapshot, delivery)
        attempt_since = snapshot.run.attempt_since
        if snapshot.run.deaths > MAX_DEATHS:
            self._fail(snapshot, died(snapshot.run.deaths))
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
            self._go_on(function, message, snapshot, journal, news, delivery)
        except Exception:
            absolve(self._store.runs, replace(before.run, attempt_since=attempt_since))
            raise

    def _retry(self, message: RetryRun) -> None:
        """Retry a failed run for an event, if it can be retried. The event may come again."""
        from tarry_backend.queues.retry_runs import RetryError, request_retry

        functions = self._app.functions
        try:
            request_retry(message.run_id, functions, self._store, self._queues, message.step_key, message.asked_by)
        except RetryError as error:
            logger.warning("the executor retries nothing: %s", error)

    def _revive(self, message: RunUpdate | CancelRun, snapshot: RunSnapshot, delivery: MessageDelivery) -> None:
        """Prepare a run for its next life, then let it go on. Any message of it does this, as often as it takes.

        retry       running, due, revival ── message
        executor                                     steps ── looks ── timers ── prepared ── replay: no more due
        sweep                                        wakes it for as long as it is due
        """
        from tarry_backend.executor.run_revival import begun, prepared

        function, run = self._app.functions.get(snapshot.run.function_id), snapshot.run
        with concerning(run_id=run.id, function_id=run.function_id):
            if delivery.again or snapshot.is_left_open:
                self._outcomes.announce_former(run)  # the executor that ended the life before may have died over it
            if not isinstance(message, CancelRun) and self._lacks_steps(snapshot):
                self._fail(snapshot, LATE)
                return
            try:
                ready = prepared(snapshot, self._store, self._app.id, self._traffic, self._settings.log_days)
            except UsageError as error:
                self._fail(snapshot, Failure.of(error))
                return
            snapshot, taken = self._applier.look_again(replace(ready, behind=delivery.behind), revived=True)
            if not isinstance(message, CancelRun):
                snapshot = self._applier.apply(message, snapshot) or snapshot
            journal = self._journal(message, snapshot, delivery)
            journal.taken.update(taken)
            for step in snapshot.parts:
                journal.remind(step)
            snapshot = replace(snapshot, run=begun(snapshot.run, snapshot.ended_steps, now()))
            self._store.runs.save(replace(snapshot.run, cancellation=None))
            if isinstance(message, CancelRun) or self._store.runs.is_cancel_requested(run.id):
                self._cancel(snapshot)
            else:
                self._go_on(function, message, snapshot, journal, ungiven(snapshot.steps), delivery)

    def _lacks_steps(self, snapshot: RunSnapshot) -> bool:
        """Return whether a retry has waited for an executor for so long that steps may be gone. A rerun has none yet.

        failed ── 29 days: retried ── no executor, for a day ── the steps' leases end ── fails: not run again
        """
        revival = snapshot.run.revival
        return revival is not None and revival.origin is None and self._store.lives.may_lack_steps(snapshot, now())

    def _go_on(
        self,
        function: Function | None,
        message: RunUpdate,
        snapshot: RunSnapshot,
        journal: RunJournal,
        news: int,
        delivery: MessageDelivery,
    ) -> None:
        """Cancel the run, if it is to be cancelled, or replay it in its turn. Its first message opens its guards."""
        if isinstance(message, Start) and self._starter.was_cancelled(snapshot.run):
            self._cancel(snapshot)
            return
        if function is not None and (isinstance(message, Start) or lacks_guards(function, snapshot)):
            try:
                snapshot = guarded(function, snapshot, journal)
            except UsageError as error:
                self._fail(replace(snapshot, guards=journal.guards()), Failure.of(error))
                return
        why = snapshot.run.cancellation or overdue(snapshot.guards, journal.now())
        if why is not None:
            self._cancel(snapshot, why)
        elif function is None:
            self._outcomes.park(snapshot, missing(self._app, snapshot.run.function_id), journal.now())
            self._entrance.decline(message)
        elif isinstance(turn := self._turns.take(function, message, snapshot, journal, delivery), Cancellation):
            self._cancel(snapshot, turn)
        elif turn is not None and (ended := self._replay(function, turn.snapshot, journal, news)) is not None:
            self._entrance.rest(snapshot.run, turn.places, ended=ended)

    def _cancel(self, snapshot: RunSnapshot, why: Cancellation = BY_HAND) -> None:
        self._outcomes.cancel(snapshot, why)
        self._entrance.over(snapshot.run)

    def _fail(self, snapshot: RunSnapshot, error: Failure) -> None:
        self._outcomes.fail(snapshot, error)
        self._entrance.over(snapshot.run)

    def _replay(self, function: Function, snapshot: RunSnapshot, journal: RunJournal, news: int) -> bool | None:
        """Replay the function, and store the outcome; return whether the run has ended, ``None`` if it goes on."""
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
            events=run.events,
            past=inherited_past(run),
        )
        outcome = drive(function, replayed, snapshot.steps, journal, self._settings.max_steps)
        snapshot = replace(snapshot, steps=journal.steps())
        if journal.cancellation is not None and isinstance(outcome, Paused | Continued):
            self._outcomes.cancel(snapshot, journal.cancellation)
            return True
        if isinstance(outcome, Paused) and (error := journal.vain()):
            self._outcomes.fail(snapshot, Failure.of(error))
            return True
        ended = self._outcomes.keep(snapshot, outcome, function.retries)
        return None if isinstance(outcome, Paused) and outcome.out_of_time else ended

    def _journal(self, message: RunMessage, snapshot: RunSnapshot, delivery: MessageDelivery) -> RunJournal:
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
            clock=delivery.clock(message),
            out_of_time=delivery.out_of_time,
            has_room=delivery.has_room,
            time_left=delivery.room,
            version=self._settings.version,
        )


def _run_message(message: Message) -> RunMessage:
    if isinstance(message, RunMessage):
        return message
    raise MessageError(f"a {message.kind} message does not belong in the runs queue")
