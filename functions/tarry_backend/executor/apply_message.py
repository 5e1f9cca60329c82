"""What a message changes in a run, before its function goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.executor.cancel_guards import met
from tarry_backend.executor.invocation import returned, timed_out
from tarry_backend.executor.signal_wait import Signalling, answered
from tarry_backend.model.cancellation import Cancellation
from tarry_backend.model.event_identity import identity
from tarry_backend.queues.carried_event import carried_event
from tarry_backend.queues.messages import Continue, Deadline, Look, Resume, Returned, Signalled, Start, Wake
from tarry_backend.replay import Status
from tarry_backend.store.event_names import SKEW
from tarry_backend.waits.lookup import admits, ended, look

if TYPE_CHECKING:
    from tarry._wire.mailbox import Letter
    from tarry_backend.model.position import Position
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.queues.messages import RunUpdate
    from tarry_backend.queues.sender import Queues
    from tarry_backend.replay import Step
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["MessageApplier"]


class MessageApplier:
    """Applies messages to runs. A message that has been applied already, or comes too late, changes nothing."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._store = store
        self._queues = queues
        self._meter = meter
        self._signalling = Signalling(store)

    def apply(self, message: RunUpdate, snapshot: RunSnapshot) -> RunSnapshot | None:
        """The run as it is once it has been told; ``None`` if that is nothing to go on with.

        What tells a guard of its event gives the run a ``cancellation``, and keeps nothing: the run's end does.
        """
        match message:
            case Start() | Continue():
                return snapshot
            case Wake(due=due):
                return self._wake(snapshot, max(now(), due))
            case Signalled(step_key=key):
                return self._signalled(snapshot, key)
            case Resume():
                return self._resume(message, snapshot)
            case Look() | Deadline():
                return self._look(message, snapshot)
            case Returned(step_key=key):
                return self._return(snapshot, key, at_deadline=False)

    def look_again(self, snapshot: RunSnapshot) -> tuple[RunSnapshot, dict[str, UsageError]]:
        """Looks into the log for each open wait: an executor may have died between writing it and looking. And at the
        runs that were invoked, and the mailboxes.

        Returns besides, by its key, each wait for a signal that another waits for by now.
        """
        taken: dict[str, UsageError] = {}
        for step in snapshot.steps:
            snapshot = self._look(Look(snapshot.run.id, step.key), snapshot) or snapshot
            snapshot = self._return(snapshot, step.key, at_deadline=False) or snapshot
            try:
                snapshot = self._claim_again(snapshot, step) if step.signal else snapshot
            except UsageError as error:
                taken[step.key] = UsageError(f"step {step.key!r}: {error}")
        return snapshot, taken

    def _wake(self, snapshot: RunSnapshot, moment: int) -> RunSnapshot | None:
        """Ends what of signals and invocations is due; with what else is due the function goes on."""
        applied = snapshot
        for step in snapshot.steps:
            if step.is_open and step.due is not None and step.due <= moment:
                applied = self._end_due(applied, step)
        return applied if applied is not snapshot or _has_due(snapshot, moment) else None

    def _end_due(self, snapshot: RunSnapshot, step: Step) -> RunSnapshot:
        if step.signal:
            return self._answer(snapshot, step, self._signalling.leave(snapshot.run.id, step))
        return self._return(snapshot, step.key, at_deadline=True) or snapshot

    def _return(self, snapshot: RunSnapshot, key: str, *, at_deadline: bool) -> RunSnapshot | None:
        """Ends an invocation with what has become of its run; at its deadline, in any case.

        The run itself says how it has ended, and it is read after the deadline. So what was kept in time always counts,
        and what comes later finds a step that has ended:

        function    end kept ────── Returned ┄┄┄┄┄┄┄┄┄┄┄ dropped
        caller          deadline ── Wake ── look ── result kept

        function                                end kept ────── Returned: dropped
        caller          deadline ── Wake ── look ── timeout kept
        """
        step = snapshot.step(key)
        if step is None or step.status is not Status.INVOKING or step.invocation is None:
            return None
        run = self._store.runs.run(step.invocation.run_id)
        done = None if run is None else returned(step, run, snapshot.size, snapshot.next_order, now())
        if done is None and at_deadline:
            done = timed_out(step, snapshot.next_order, now())
        if done is None:
            return None
        self._store.runs.keep(snapshot.run.id, done, is_new=False)
        return snapshot.with_step(done)

    def _signalled(self, snapshot: RunSnapshot, key: str) -> RunSnapshot | None:
        step = snapshot.step(key)
        if step is None or step.signal is None or not step.is_open:
            return None
        letter = self._signalling.look(snapshot.run.id, step)
        return self._answer(snapshot, step, letter) if letter else None

    def _claim_again(self, snapshot: RunSnapshot, step: Step) -> RunSnapshot:
        """An executor may have died between writing the wait and having it wait, or between ending it and freeing its
        mailbox. At its deadline it may have freed the mailbox first, so from then on the wait does not claim it."""
        if not step.is_open:
            self._signalling.free(snapshot.run.id, step)
            return snapshot
        if now() >= (step.due or 0):
            letter = self._signalling.look(snapshot.run.id, step)
        else:
            letter = self._signalling.claim(snapshot.run.id, step, now())
        return self._answer(snapshot, step, letter) if letter else snapshot

    def _answer(self, snapshot: RunSnapshot, step: Step, letter: Letter | None) -> RunSnapshot:
        """Ends the wait for a signal by one conditional write, then frees its mailbox if that is not free yet."""
        moment = now()
        done = answered(step, letter, snapshot.next_order, moment)
        self._store.runs.keep(snapshot.run.id, done, is_new=False)
        self._meter.count("WaitsClosed")
        if letter is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - (step.due or moment))
        else:
            self._meter.count("Resumes")
            self._meter.measure("ResumeLatency", max(0, moment - max(letter.at, step.began)))
            self._signalling.free(snapshot.run.id, step)
        return snapshot.with_step(done)

    def _resume(self, message: Resume, snapshot: RunSnapshot) -> RunSnapshot | None:
        step = snapshot.step(message.step_key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        position = message.carried.position
        excluded = snapshot.had_before(step)
        if not admits(step.wait, message.carried.name, position, excluded):
            return None
        if step.is_guard:  # any of its events cancels the run, whichever is the earliest
            return self._resolve(snapshot, step, carried_event(message.carried, self._store.log))
        # An event before it may have been overtaken: by another matcher, or because the index was late to show the
        # wait. So the log's earliest ends the wait.
        looked = look(step.wait, self._store, excluded, position.received_at, after=message.cursor(), before=position)
        if looked.cursor is not None:
            self._look_on(message, looked.cursor)
            return None
        return self._resolve(snapshot, step, looked.found or carried_event(message.carried, self._store.log))

    def _look(self, message: Look | Deadline, snapshot: RunSnapshot) -> RunSnapshot | None:
        """End the wait with what the log holds for it; at its deadline, with nothing if there is nothing."""
        step = snapshot.step(message.step_key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        looked = look(step.wait, self._store, snapshot.had_before(step), now() + SKEW, after=message.cursor())
        if looked.cursor is not None:
            self._look_on(message, looked.cursor)
            return None
        if looked.found is None and not isinstance(message, Deadline):
            return None
        return self._resolve(snapshot, step, looked.found)

    def _look_on(self, message: Resume | Look | Deadline, cursor: Position) -> None:
        """Go on with the look in another invocation: this one stays short, whatever the log holds."""
        self._queues.send_to_runs([message.onward(cursor)])

    def _resolve(self, snapshot: RunSnapshot, step: Step, found: ReceivedEvent | None) -> RunSnapshot | None:
        """Ends the wait by one conditional write. All that follows is done again if it is cut off."""
        if found and (why := _cancelled(snapshot, step, found)):
            return replace(snapshot, run=replace(snapshot.run, cancellation=snapshot.run.cancellation or why))
        moment = now()
        done = ended(step, found, step.begun_order if step.is_guard else snapshot.next_order, moment)
        self._store.runs.keep(snapshot.run.id, done, is_new=False)
        self._meter.count("WaitsClosed")
        if not step.is_guard:
            self._measure(step, found, moment)
        self._store.runs.drop(snapshot.run.id, done)
        return None if step.is_guard else snapshot.with_step(done)  # an expired guard changes nothing in its run

    def _measure(self, step: Step, found: ReceivedEvent | None, moment: int) -> None:
        assert step.wait is not None
        if found is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - step.wait.deadline)
        else:
            self._meter.count("Resumes")
            # An event may be older than the wait, which then could not be resumed any sooner.
            self._meter.measure("ResumeLatency", moment - max(found.received_at, step.began))


def _cancelled(snapshot: RunSnapshot, step: Step, found: ReceivedEvent) -> Cancellation | None:
    """An event that ends a guard and a wait of the run cancels the run, whichever message comes first."""
    return Cancellation.by(found) if step.is_guard else met(snapshot.guards, found, identity(snapshot.run.event))


def _has_due(snapshot: RunSnapshot, moment: int) -> bool:
    """Whether a sleep, a retry, the function itself or its time is due. A wait's deadline comes another way."""
    dues = [step.due for step in snapshot.parts if step.is_open and step.wait is None]
    return any(due is not None and due <= moment for due in (snapshot.run.due, *dues))
