"""Runs go on: what a run is told is applied, its function replayed, the outcome kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tarry.durations import MAX_DURATION
from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.executor.apply_message import Telling
from tarry_backend.executor.cancel_guards import guarded, overdue
from tarry_backend.executor.run_end import Ending
from tarry_backend.executor.run_journal import RunJournal
from tarry_backend.queues.messages import (
    Cancel,
    Continue,
    Deadline,
    Look,
    MessageError,
    Resume,
    Returned,
    Signalled,
    Start,
    Wake,
    decode,
)
from tarry_backend.replay import Failure, Paused, Replayed, replay, ungiven
from tarry_backend.store import Run, RunStatus, Whole
from tarry_backend.store.traffic import Traffic
from tarry_backend.telemetry import concerning, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry import App, Event, Function
    from tarry._wire.bus import EventBus
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.queues.messages import Message
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

    Told = Start | Resume | Wake | Deadline | Look | Returned | Signalled | Continue
    RunMessage = Told | Cancel

__all__ = ["MAX_DEATHS", "Delivery", "Executor"]

MAX_DEATHS = 3
"""When so many executors have died over one message, its run is failed."""

_TOLERANCE = 1_000
"""An event that is so many milliseconds ahead is not for later: its sender's clock is."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message comes: whether it has come before, and whether the invocation is near its end by now."""

    message_id: str
    again: bool
    out_of_time: Callable[[], bool]


class Executor:
    """Carries out what runs are told. The FIFO queue keeps one run's messages apart, so each has its run to itself."""

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
        self._telling = Telling(store, meter)
        self._ending = Ending(app.id, store, queues, bus, meter)

    def handle(self, body: str, delivery: Delivery) -> None:
        """One message of the runs queue. ``MessageError`` if it can be none of this app's."""
        message = _run_message(decode(body))
        whole = self._whole(message)
        if whole is None and isinstance(message, Start):
            logger.info("event %s starts no run: another has the same idempotency value", message.carried.id)
            self._meter.count("Duplicates")
        elif whole is None:
            logger.warning("run %s is not there (any more): its %s is dropped", message.run_id, message.kind)
        elif whole.run.status is not RunStatus.RUNNING:
            if delivery.again:
                self._ending.conclude(whole)
            elif isinstance(message, Start):
                self._ending.answer(whole.run)  # to a caller that asks once more: see ``RunJournal.invoke``
        elif isinstance(message, Cancel):
            self._ending.cancel(whole)  # its function need not be there any more
        elif isinstance(message, Returned) and whole.step(message.step_key) is None:
            logger.info("run %s could not keep step %s: the answer is dropped", message.run_id, message.step_key)
        else:
            self._tell(message, whole, delivery)

    def _whole(self, message: RunMessage) -> Whole | None:
        """The run with its steps. A new one is written and not read: there is nothing more of it."""
        if not isinstance(message, Start):
            return self._store.runs.load(message.run_id)
        function = self._function(message.function_id)
        received, moment = self._store.log.carried(message.carried), now()
        run = Run(
            id=message.run_id,
            function_id=function.id,
            event=received.event,
            received_at=received.received_at,
            started=moment,
            due=_begins(received.event, moment),
        )
        runs = self._store.runs
        if not (runs.create(run) if message.once is None else runs.create_once(run, message.once)):
            return runs.load(run.id)
        self._meter.count("Started")
        self._ending.remind(run)  # if this does not come to pass the message comes again, and it is made up for
        return Whole(run)

    def _tell(self, message: Told, whole: Whole, delivery: Delivery) -> None:
        function = self._function(whole.run.function_id)
        with concerning(run_id=whole.run.id, function_id=function.id):
            if delivery.again:
                self._tell_again(function, message, whole, delivery)
            elif (told := self._telling.apply(message, whole)) is not None:
                news = told.ended_steps - whole.ended_steps
                self._go_on(function, message, told, self._journal(message, told, delivery), news)

    def _tell_again(self, function: Function, message: Told, whole: Whole, delivery: Delivery) -> None:
        """The last executor has failed or died somewhere on the way: all that may be missing is done again."""
        before = whole
        whole = self._suspect(whole, delivery)
        if whole.run.deaths > MAX_DEATHS:
            self._ending.fail(whole, _died(whole.run.deaths))
            return
        try:
            whole = self._telling.apply(message, whole) or whole
            try:
                whole = self._telling.look_again(whole)
            except UsageError as error:  # a step waits for a signal that another waits for
                self._ending.fail(whole, Failure.of(error))
                return
            news = whole.ended_steps - before.ended_steps + ungiven(before.steps)
            journal = self._journal(message, whole, delivery)
            self._ending.remind(whole.run)
            for step in whole.steps:
                journal.remind(step)
            self._go_on(function, message, whole, journal, news)
        except Exception:
            self._absolve(before)
            raise

    def _go_on(self, function: Function, message: Told, whole: Whole, journal: RunJournal, news: int) -> None:
        """Cancels the run, if it is to be, or replays its function. Its first message opens its guards."""
        if isinstance(message, Start):
            try:
                whole = guarded(function, whole, journal)
            except UsageError as error:
                self._ending.fail(replace(whole, guards=journal.guards()), Failure.of(error))
                return
        why = whole.run.cancellation or overdue(whole.guards, journal.now())
        if why is not None:
            self._ending.cancel(whole, why)
        else:
            self._replay(function, whole, journal, news)

    def _replay(self, function: Function, whole: Whole, journal: RunJournal, news: int) -> None:
        if whole.rests(journal.now()):  # a message that comes twice does not hasten the next attempt
            self._ending.leave(whole.run)
            return
        run = whole.run
        news = max(news, min(whole.attempt, 1))  # it raised after the newest result, and begins there anew
        replayed = Replayed(run.id, run.event, run.received_at, whole.attempt, news)
        outcome = replay(function, replayed, whole.steps, journal, self._settings.max_steps)
        whole = replace(whole, steps=journal.steps())
        if journal.cancellation is not None and isinstance(outcome, Paused):
            self._ending.cancel(whole, journal.cancellation)
        else:
            self._ending.keep(whole, outcome, function.retries)

    def _journal(self, message: Told, whole: Whole, delivery: Delivery) -> RunJournal:
        return RunJournal(
            whole,
            self._store,
            self._queues,
            self._bus,
            app=self._app,
            meter=self._meter,
            traffic=self._traffic,
            settle=self._settings.settle_seconds,
            floor=message.due if isinstance(message, Wake) else 0,
            out_of_time=delivery.out_of_time,
        )

    def _function(self, function_id: str) -> Function:
        function = self._app.functions.get(function_id)
        if function is None:
            raise MessageError(
                f"app {self._app.id!r} has no function {function_id!r}, only {sorted(self._app.functions)}; "
                "bring it back under that id, then redrive the dead-letter queue"
            )
        return function

    def _suspect(self, whole: Whole, delivery: Delivery) -> Whole:
        """Counts this delivery as a death before the function gets the chance to be another one."""
        run = whole.run
        deaths = run.deaths + 1 if run.suspect == delivery.message_id else 1
        run = replace(run, suspect=delivery.message_id, deaths=deaths)
        self._store.runs.save(run)
        return replace(whole, run=run)

    def _absolve(self, before: Whole) -> None:
        """The executor has not died, it has failed in an orderly way: the function is not to blame."""
        with suppress(Exception):  # what is raised now is what counts
            self._store.runs.save(before.run)


def _begins(event: Event, moment: int) -> int | None:
    """When a run begins whose event is of a time to come; None if it begins at once."""
    return min(event.ts, moment + MAX_DURATION) if event.ts > moment + _TOLERANCE else None


def _run_message(message: Message) -> RunMessage:
    if isinstance(message, Start | Resume | Wake | Deadline | Look | Returned | Signalled | Continue | Cancel):
        return message
    raise MessageError(f"a {message.kind} message does not belong into the runs queue")


def _died(deaths: int) -> Failure:
    return Failure(
        "ExecutorDied",
        f"{deaths} executors have died while they ran this function: it may run out of memory, exceed the Lambda's "
        "timeout, or end the process. See the executor's log; give it more memory or time, or smaller steps.",
    )
