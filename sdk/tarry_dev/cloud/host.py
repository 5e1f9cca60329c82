"""The simple interface of the embedded cloud, for tests of apps."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tarry import Event
from tarry.event import new_id
from tarry_backend.api.asked_event import AmbiguousError, AskedEvent
from tarry_backend.api.receipts import receipt
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.rerun_runs import edited, request_rerun
from tarry_backend.queues.retry_runs import request_retry
from tarry_backend.runtime import runtime
from tarry_backend.store import EventGoneError
from tarry_dev.cloud.host_controls import HostControls
from tarry_dev.cloud.host_notes import HostNotes
from tarry_dev.cloud.runs import HostedRun, NoResultError
from tarry_dev.cloud.unheard import unmatched, unstarted
from tarry_dev.event_file import Advance, Sent, read_event_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import Function, SignalReceipt
    from tarry.durations import Duration, Timeout
    from tarry.eventtypes import Sendable
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_dev.cloud.cloud import Cloud
    from tarry_dev.cloud.message import Message

__all__ = ["Host"]

R = TypeVar("R")

_LAST = 5
"""For how many events, the last ones, the error of a run without a result says why they did not end its waits."""


class Host(HostControls):
    """An app on an embedded cloud whose clock you move. ``cloud`` is that cloud, for everything else."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._notes = HostNotes(cloud)

    @property
    def now(self) -> datetime:
        """The clock's time."""
        return datetime.fromtimestamp(self.cloud.clock.now() / 1000, UTC)

    def send(self, events: str | Sendable | Iterable[Sendable], data: Mapping[str, Any] | None = None) -> list[str]:
        """Send an event by its name and data, or what ``app.send`` takes; return the ids.

        It returns once everything has happened that can happen without time passing.
        """
        sent = self.cloud.send(Event(events, data or {}) if isinstance(events, str) else events)
        self.cloud.pump()
        return sent

    def put_events(self, *entries: PutEventsRequestEntryTypeDef) -> list[str]:
        """Send events in EventBridge's own form, as other services do; return EventBridge's ids."""
        put = self.cloud.put_events(entries)
        self.cloud.pump()
        return put

    def play(self, file: Path | str) -> None:
        """Send the events of a file, line by line, as ``tarry demo`` does; ``{"advance": "1h"}`` lets time pass.

        Raises:
            UsageError: Some lines are wrong. Nothing is sent then.
        """
        for line in read_event_file(Path(file)):
            if isinstance(line, Advance):
                self.advance(line.milliseconds)
                continue
            if line.time is not None and line.time > self.now:
                self.advance(line.time)
            if isinstance(line, Sent):
                self.send(line.event)
            else:
                self.put_events(line.entry)

    def advance(self, time: Timeout) -> None:
        """Let time pass: a ``timedelta``, ``"3d"``, milliseconds, or up to a ``datetime``.

        The clock stops at each moment at which something is due, so each run's own clock is right. A chain of sleeps
        that fits ends within the call: ``advance("1d")`` ends a sleep of 1 hour and the one of 23 hours after it.

        It returns once everything has happened that is due by then. Messages take a millisecond each, so the clock may
        be a little later in the end: up to three seconds.
        """
        #           1 h              23 h
        # began ─────────── woken ─────────────── due      The second sleep is due some milliseconds after ``time``,
        #             due ┘└ + messages    time ┘└ + same   for the run's messages took them: they count as slack.
        clock = self.cloud.clock
        ticked = clock.ticked
        self.cloud.advance(time)
        self.cloud.catch_up(clock.ticked - ticked)

    def cancel(self, run: HostedRun) -> None:
        """Cancel a run, as ``tarry cancel`` does. A run that has ended does not change."""
        request_cancel([run.id], runtime().store, runtime().queues)
        self.cloud.pump()

    def retry(self, run: HostedRun, from_step: str | None = None) -> None:
        """Retry a failed run in place, as ``tarry retry`` does. What it kept stays.

        Args:
            run: A run that has failed.
            from_step: The failed step to go on from; by default the one whose error ended the run.

        Raises:
            RetryError: The run cannot be retried. The text says why.
        """
        request_retry(run.id, self.cloud.app.functions, runtime().store, runtime().queues, from_step)
        self.cloud.pump()

    def rerun(
        self, run: HostedRun, from_step: str | None = None, *, event: Mapping[str, Any] | None = None
    ) -> HostedRun:
        """Start a run again as a new run, as ``tarry rerun`` does; return the new run.

        Args:
            run: The run; it may have any status.
            from_step: The step to begin from. What had ended before it began is copied.
            event: New ``data`` (and ``user``) of the event that started the run.

        Raises:
            RerunError: The run cannot be run again. The text says why.
        """
        store, functions = runtime().store, self.cloud.app.functions
        changed = None if event is None else edited(run.event, dict(event))
        new = request_rerun(
            run.id, functions, store, runtime().queues, nonce=new_id(), step_key=from_step, event=changed
        )
        self._notes.run_ids[new.id] = new.function_id
        self.cloud.pump()
        return HostedRun(new.id)

    def signal(
        self,
        name: str,
        data: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that Event uses
        keep: Duration | None = None,
    ) -> SignalReceipt:
        """Send a signal, as ``app.send_signal`` does; return its receipt.

        It returns once everything has happened that can happen without time passing.
        """
        receipt = self.cloud.app.send_signal(name, data, id=id, keep=keep)
        self.cloud.pump()
        return receipt

    @overload
    def runs(self, fn_id: Function[R]) -> list[HostedRun[R]]: ...
    @overload
    def runs(self, fn_id: str | None = None) -> list[HostedRun]: ...
    def runs(self, fn_id: Function[Any] | str | None = None) -> list[HostedRun[Any]]:
        """Return the runs, of one function or of all, in the order in which they started.

        Args:
            fn_id: The function's id, or the function itself: then the runs' ``output`` has its type.
        """
        function, name = (None, fn_id) if isinstance(fn_id, str | None) else (fn_id, fn_id.id)
        named = [run_id for run_id, each in self._notes.run_ids.items() if name in (None, each)]
        return [HostedRun(run_id, function) for run_id in named if self._notes.is_there(run_id)]

    @overload
    def run(self, fn_id: Function[R]) -> HostedRun[R]: ...
    @overload
    def run(self, fn_id: str | None = None) -> HostedRun: ...
    def run(self, fn_id: Function[Any] | str | None = None) -> HostedRun[Any]:
        """Return the run that started last, of one function or of all; ``LookupError`` if there is none.

        Args:
            fn_id: As for ``runs``.
        """
        runs: list[HostedRun[Any]] = self.runs(fn_id)
        if runs:
            return runs[-1]
        name = fn_id if isinstance(fn_id, str | None) else fn_id.id
        what = "no run" if name is None else f"no run of {name!r}"
        started = sorted(set(self._notes.run_ids.values())) or "none"
        seen = [each.event.name for each in self._notes.events.values()] or "none"
        hint = unstarted(self.cloud.app, (each.event.name for each in self._notes.events.values()))
        raise LookupError(f"{what} has started; functions with runs: {started}; events so far: {seen}{hint}")

    @overload
    def result(self, run: Function[R] | HostedRun[R]) -> R: ...
    @overload
    def result(self, run: str | None = None) -> Any: ...
    def result(self, run: Function[Any] | HostedRun[Any] | str | None = None) -> Any:
        """Return the output of the one run; ``run`` chooses it among several, or its function does.

        Raises:
            LookupError: No such run has started, or several.
            NoResultError: The run has not finished. The text has its time line, and why events did not end its waits.
        """
        __tracebackhide__ = True  # pytest's traceback ends in the test
        chosen = run if isinstance(run, HostedRun) else self._only(run)
        try:
            return chosen.result()
        except NoResultError as error:
            raise NoResultError("\n".join([str(error), *unmatched(chosen.id, self._last_receipts())])) from None

    def _only(self, run: Function[Any] | str | None) -> HostedRun[Any]:
        """Return the one run of a function, or the one of all; ``LookupError`` if there is none, or several."""
        __tracebackhide__ = True
        runs = self.runs(run)
        if len(runs) > 1:
            shown = "".join(f"\n  {each!r}" for each in runs)
            raise LookupError(f"{len(runs)} runs have started: give one, such as host.result(host.runs()[0]){shown}")
        return self.run(run)

    def _last_receipts(self) -> Iterator[Receipt]:
        """The receipts of the last few events."""
        app = self.cloud.app
        for noted in list(self._notes.events.values())[-_LAST:]:
            yield receipt(self._as_logged(noted), app.id, app.functions, runtime().store, facts=facts_of(app))

    def events(self, name: str | None = None) -> list[Event]:
        """Return the events, of one name or all, in the order of their reception.

        They are those sent here, and those of the app. Ends of runs are among them, also if nothing in the app hears
        them, so that they did not go over the bus.
        """
        received = sorted(self._notes.events.values(), key=lambda each: each.received_at)
        return [each.event for each in received if name in (None, each.event.name)]

    def receipt(self, event_id: str, *, name: str | None = None, source: str | None = None) -> Receipt:
        """Return what an event did, as ``tarry event`` shows it.

        It has ``started``, ``unstarted`` (functions of which it started no run, each with ``why`` and ``by``, the run
        that has it), ``resumed``, ``cancelled``, and the waits that the event ``missed``, each with ``why``.
        ``near`` has open waits, cancels and triggers on the event's name that it does not match, each with its
        ``conjuncts``: the conditions of the expression with both values, their types, and whether they hold.

        Args:
            event_id: The event's id.
            name: Its name, if the id names several events.
            source: Its source, likewise.

        Raises:
            LookupError: No such event has come, or several.
        """
        asked = AskedEvent(event_id, name, source)
        found = [received for received in self._notes.events.values() if asked.fits(received.event)]
        if not found:
            so_far = [each.event.id for each in self._notes.events.values()]
            raise LookupError(f"no event with id {event_id!r} has come; events so far: {so_far}")
        if len(found) > 1:
            raise LookupError(str(AmbiguousError(asked, found, "give name= and source=")))
        app = self.cloud.app
        return receipt(self._as_logged(found[0]), app.id, app.functions, runtime().store, facts=facts_of(app))

    def _as_logged(self, noted: ReceivedEvent) -> ReceivedEvent:
        """The event as the log has it, at the time at which it was first received; as it came if the log forgot it.

        That place is known, unless the message was a dead letter before, or its matcher could not log it.
        """
        event, store = noted.event, runtime().store
        with suppress(EventGoneError):
            return store.log.find(event.name, self._notes.first(noted).position)
        logged = store.queries.events_of_id(event.id, event.name, 0, self.cloud.clock.now())
        return next((each for each in logged if each.event.source == event.source), noted)

    @property
    def dead_letters(self) -> list[Message]:
        """The dead letters of all queues: a test of a correct app finds none."""
        return [letter for queue in self.cloud.queues.values() for letter in queue.dead_letters]
