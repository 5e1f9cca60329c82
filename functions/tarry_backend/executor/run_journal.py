"""The journal of a replay: it stores steps and waits in the table, and sends timers and events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry.event import Event
from tarry_backend.clock import now
from tarry_backend.events.address import ADDRESS, INVOKED, Caller, run_id_of
from tarry_backend.executor.attempt_report import report_attempt
from tarry_backend.executor.cancel_guards import met, overdue
from tarry_backend.executor.invocation import invoked_function
from tarry_backend.executor.reminders import reminders
from tarry_backend.executor.signal_wait import Signalling, answered, unused_letter
from tarry_backend.executor.stored_steps import StoredSteps
from tarry_backend.model.cancellation import BY_HAND, Cancellation
from tarry_backend.model.position import Position
from tarry_backend.model.run import RunSnapshot
from tarry_backend.model.step import unused_events
from tarry_backend.queues.messages import Deadline, Look
from tarry_backend.replay import Invocation, Step, WaitRequest
from tarry_backend.store.event_names import SKEW
from tarry_backend.waits.lookup import ended, look
from tarry_backend.waits.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry import App
    from tarry._cel.dialect import Dialect
    from tarry._wire.bus import EventBus
    from tarry.errors import UsageError
    from tarry_backend.executor.run_clock import RunClock
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.sender import Queues
    from tarry_backend.replay import InvokeRequest
    from tarry_backend.store import Store
    from tarry_backend.store.traffic import Traffic
    from tarry_backend.telemetry import Meter
    from tarry_backend.waits.lookup import LogLook

__all__ = ["LOOKED", "RunJournal"]

LOOKED = 1_000
"""How long, in milliseconds, an invocation trusts its last cancellation check."""


class RunJournal:
    """The journal of one replay (see ``tarry_backend.replay.Journal``).

    ``cancellation`` is why no further step begins, if the run is cancelled. ``taken`` are, by their keys, waits for
    signals for which other steps wait now. ``settle`` is in seconds.
    """

    def __init__(
        self,
        snapshot: RunSnapshot,
        store: Store,
        queues: Queues,
        bus: EventBus,
        *,
        app: App,
        meter: Meter,
        traffic: Traffic,
        settle: int,
        log_days: int,
        clock: RunClock,
        out_of_time: Callable[[], bool],
        has_room: Callable[[int], bool] = lambda _: True,
        time_left: Callable[[], tuple[int, int]] = lambda: (900_000, 900_000),
        version: str = "",
    ) -> None:
        self._app = app
        self._run = snapshot.run
        self._stored = StoredSteps(snapshot, store.runs)
        self._looked = now()
        self.cancellation: Cancellation | None = None
        self.taken: dict[str, UsageError] = {}
        self._unused: set[str] = set()
        self._store = store
        self._queues = queues
        self._bus = bus
        self._meter = meter
        self._registration = Registration(snapshot.run, source_of(app.id), store.names, traffic, log_days)
        function = app.functions.get(snapshot.run.function_id)
        self._dialect: Dialect = "tarry" if function is None else function.dialect
        self._settle = settle
        self._clock = clock
        self._signalling = Signalling(store)
        self.out_of_time = out_of_time
        self.has_room = has_room
        self.time_left = time_left
        self._version = version

    def steps(self) -> tuple[Step, ...]:
        """Return the run's steps as they are stored now."""
        return self._stored.steps()

    def guards(self) -> tuple[Step, ...]:
        """Return the run's guards as they are stored now."""
        return self._stored.guards()

    def now(self) -> int:
        return self._clock.now()

    def begins(self) -> int:
        return self._clock.earliest()

    def send(self, events: Sequence[Event]) -> None:
        self._bus.send(events)

    def keep(self, step: Step) -> None:
        if step.error is not None:
            step = replace(step, error=step.error.under(self._version))
        self._stored.keep(step)
        self.remind(step)
        report_attempt(self._run, step, self._app)

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        """Store the wait, then look into the log: in this order, no event falls between the two.

        At the wait's deadline, or after it, the log decides at once. But a collection continues after each event,
        and its deadline may pass meanwhile. An event received in time may be in the log only after this look, so the
        collection ends by the deadline's marker, as any wait that was open then:

            queue       event 1 ── event 2 ── deadline ────────────────────────── marker
            matcher     event 1                             event 2 (slow), log
            executor               event 1 ended ┄┄┄┄┄┄ look: nothing                     look: event 2
        """
        wait = self._registration.wait(request, self._dialect)
        wait = replace(wait, unused=unused_events(self.steps(), self._unused))
        step = replace(step, wait=wait, due=request.deadline)
        if request.deadline <= self.now() and not request.continued:
            return self._end_at_once(step)
        self._stored.keep(step)
        self._meter.count("WaitsOpened")
        looked = self._look(step)
        if looked.found:
            done = self._end(step, looked.found)
            self._meter.count("WaitsClosed")
            return done
        self._look_on(Look(self._run.id, step.key), looked.cursor)
        self.remind(step)
        return step

    def _end_at_once(self, step: Step) -> Step:
        """End a wait whose deadline has passed with what the log has. It stays open if one look cannot read the log."""
        looked = self._look(step)
        if looked.cursor is None:
            return self._end(step, looked.found)
        self._stored.keep(step)
        self._meter.count("WaitsOpened")
        self._look_on(Deadline(self._run.id, step.key), looked.cursor)
        return step

    def withdraw(self, step: Step) -> None:
        """Store the step's end, which removes it from the indexes. Messages on their way to it find it ended.

        A wait for a signal leaves its mailbox first. If it was given a signal before, that is stored with it, for the
        run's next wait:

            sender             delivered                       nobody waits
            executor    decided ──────── leaves, with the letter ── step kept ── mailbox free
        """
        if step.signal:
            step = self._signalling.withdraw(self._run.id, step)
        self._stored.keep(step)
        self._store.runs.drop(self._run.id, step)
        if step.signal and step.signal.sent_id:
            self._signalling.free(self._run.id, step)
        if step.wait or step.signal:
            self._meter.count("WaitsClosed")

    def lose(self, step: Step) -> None:
        """Note that the function never gets this result: its branch lost a race first."""
        self._unused.add(step.key)

    def vain(self) -> UsageError | None:
        """Return why a step waits in vain, if one does: another step waits for its signal."""
        return next((error for key, error in self.taken.items() if self._stored.step(key).is_open), None)

    def open_guard(self, guard: Step, request: WaitRequest | None) -> Cancellation | None:
        """Store a guard, unless it is stored, and look into the log, as for a wait. Without a request it is a timer.

        Return why its run must end at once, or ``None``.
        """
        kept = next((stored for stored in self.guards() if stored.key == guard.key), None)
        guard = kept or (replace(guard, wait=self._registration.wait(request, self._dialect)) if request else guard)
        if not guard.is_open:
            return None
        if kept is None:
            self._stored.keep(guard)
            self._meter.count("WaitsOpened", guard.wait is not None)
        if guard.wait:
            looked = self._look(guard)
            if looked.found:
                return Cancellation.by(looked.found)
            self._look_on(Look(self._run.id, guard.key), looked.cursor)
        self.remind(guard)
        return None

    def is_cancelled(self) -> bool:
        """Return whether the run is cancelled. It costs nothing unless the last look is more than a second old.

            executor    look ── a long step ───────────────── look, and no further step begins
            matcher               (event) log ── resume, which waits in the run's group

        The run gets a message for all that it finds. So a message also brings what it misses.
        """
        moment, since = now(), self._looked
        if self.cancellation is None:
            self.cancellation = overdue(self.guards(), self.now())
        if self.cancellation is None and moment - since > LOOKED:
            self._looked = moment
            self.cancellation = self._cancelled(since - SKEW)
        return self.cancellation is not None

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        """Send the event that starts the function, then store the step.

        If an executor dies between the two, the next one sends the event again. The first event has started the
        function, which may have ended. Then its answer is in the queue behind this run's message, or an executor
        dropped it because there was no step. So the second event makes the function answer again:

            caller      send ── dies                         send ── step kept ──────────── Returned
            function         start ── returns, Returned           start: has ended, Returned
        """
        function_id = invoked_function(self._app, request, self._run)
        data = {**request.data, ADDRESS: Caller(self._run.id, step.key).address(function_id)}
        user = None if request.user is None else dict(request.user)
        self._bus.send_internal([Event(INVOKED, data, request.event_id, step.began, user)])
        own = source_of(self._app.id)
        run_id = run_id_of(self._app.id, function_id, request.event_id, own, INVOKED)
        step = replace(step, invocation=Invocation(function_id, run_id))
        self.keep(step)
        return step

    def open_signal(self, step: Step) -> Step:
        """Store the wait, then register it at the mailbox: so each waiter there has a step, also after a crash.

        It gets at once the signal that an earlier wait of the run was given before its branch lost a race.
        """
        if unused := unused_letter(self.steps(), step, self._unused):
            done = answered(step, unused, step.begun_order + 1, self.now())
            self._stored.keep(done)
            return done
        self._stored.keep(step)
        self._meter.count("WaitsOpened")
        letter = self._signalling.claim(self._run.id, step, self.now())
        is_due = (step.due or 0) <= self.now()
        if letter is None and is_due:
            letter = self._signalling.leave(self._run.id, step)
        if letter is None and not is_due:
            self.remind(step)
            return step
        done = answered(step, letter, step.begun_order + 1, self.now())
        self._stored.keep(done)
        self._meter.count("WaitsClosed")
        if letter is not None:
            self._signalling.free(self._run.id, step)
        return done

    def remind(self, step: Step) -> None:
        """Send timers for an open step, if it is due soon, and for a wait's settle."""
        if step.is_open:
            self._queues.send_to_timers(reminders(self._run.id, step, self.steps(), self._settle))

    def _look(self, step: Step, since: int = 0) -> LogLook:
        assert step.wait is not None
        after = Position(since) if since else None
        return look(step.wait, self._store, self._excluded(step), self.now() + SKEW, after=after)

    def _look_on(self, message: Look | Deadline, cursor: Position | None) -> None:
        """Leave the rest of the log to further looks, each in an invocation of its own."""
        if cursor is not None:
            self._queues.send_to_runs([message.onward(cursor)])

    def _cancelled(self, since: int) -> Cancellation | None:
        """Look for a request to cancel the run, and into the log for each guard, from ``since`` on."""
        if self._store.runs.is_cancel_requested(self._run.id):
            return BY_HAND
        for guard in self.guards():
            if guard.is_open and guard.wait and (found := self._look(guard, since).found):
                return Cancellation.by(found)
        return None

    def _excluded(self, step: Step) -> frozenset[str]:
        return RunSnapshot(self._run, self.steps()).had_before(step)

    def _end(self, step: Step, found: ReceivedEvent | None) -> Step:
        if found and self.cancellation is None:
            self.cancellation = met(self.guards(), found, self._run.started_by)
        done = ended(step, found, step.begun_order + 1, self.now())
        self._stored.keep(done)
        self._store.runs.drop(self._run.id, done)
        return done
