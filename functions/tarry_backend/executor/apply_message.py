"""The changes that a message makes to a run, before its function goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.executor.cancel_guards import met
from tarry_backend.executor.invocation import returned, timed_out
from tarry_backend.executor.signal_wait import Signalling, answered
from tarry_backend.model.cancellation import Cancellation
from tarry_backend.queues.carried_event import carried_event
from tarry_backend.queues.messages import Admitted, Continue, Deadline, Look, Resume, Returned, Signalled, Start, Wake
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
    """The applier of messages to runs. A message that was applied already, or is too late, changes nothing."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._store = store
        self._queues = queues
        self._meter = meter
        self._signalling = Signalling(store)

    def apply(self, message: RunUpdate, snapshot: RunSnapshot) -> RunSnapshot | None:
        """Return the run after the message; ``None`` if there is nothing to replay.

        If an event meets a guard, the run gets a ``cancellation``. This stores nothing: the run's end does.
        """
        match message:
            case Start() | Continue() | Admitted():
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

    def look_again(self, snapshot: RunSnapshot, *, revived: bool = False) -> tuple[RunSnapshot, dict[str, UsageError]]:
        """Look into the log for each open wait, at the invoked runs, and into the mailboxes.

        An executor may have died between writing a wait and looking. Of a ``revived`` run the guards are open again,
        too, and waits for signals whose deadline has passed meanwhile. Also returns, by its key, each wait for a signal
        for which another step waits now.
        """
        taken: dict[str, UsageError] = {}
        for step in snapshot.parts if revived else snapshot.steps:
            snapshot = self._look(Look(snapshot.run.id, step.key), snapshot) or snapshot
            snapshot = self._return(snapshot, step.key, at_deadline=False) or snapshot
            try:
                snapshot = self._claim_again(snapshot, step, revived=revived) if step.signal else snapshot
            except UsageError as error:
                taken[step.key] = UsageError(f"step {step.key!r}: {error}")
        return snapshot, taken

    def _wake(self, snapshot: RunSnapshot, moment: int) -> RunSnapshot | None:
        """End due signal waits and invocations. Replay handles due sleeps and retries."""
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
        """End an invocation with the outcome of its run, or with a timeout at its deadline.

        The invoked run itself has its outcome, and is read after the deadline. So an outcome stored in time always
        counts, and a later answer finds an ended step:

            function    end kept ────── Returned ┄┄┄┄┄┄┄┄┄┄┄ dropped
            caller          deadline ── Wake ── look ── result kept

            function                                end kept ────── Returned: dropped
            caller          deadline ── Wake ── look ── timeout kept
        """
        step = snapshot.step(key)
        if step is None or step.status is not Status.INVOKING or step.invocation is None:
            return None
        run = self._store.chains.newest_or_trace(step.invocation.run_id)
        done = None if run is None else returned(step, run, snapshot.size, snapshot.next_order, now())
        if done is None and at_deadline:
            done = timed_out(step, snapshot.next_order, now())
        if done is None:
            return None
        return self._store.runs.end_step(snapshot, done, now())

    def _signalled(self, snapshot: RunSnapshot, key: str) -> RunSnapshot | None:
        step = snapshot.step(key)
        if step is None or step.signal is None or not step.is_open:
            return None
        letter = self._signalling.look(snapshot.run.id, step)
        return self._answer(snapshot, step, letter) if letter else None

    def _claim_again(self, snapshot: RunSnapshot, step: Step, *, revived: bool) -> RunSnapshot:
        """Claim the mailbox of an open wait again; free the mailbox of an ended one.

        An executor may have died between writing the wait and registering it, or between ending it and freeing its
        mailbox. At the deadline it may have freed the mailbox first, so from then on the wait does not claim it: unless
        its run was ``revived``. Then a signal counts that was sent up to the deadline.
        """
        if not step.is_open:
            self._signalling.free(snapshot.run.id, step)
            return snapshot
        if now() >= (step.due or 0) and revived:
            letter = self._signalling.claim(snapshot.run.id, step, now(), sent_by=step.due)
        elif now() >= (step.due or 0):
            letter = self._signalling.look(snapshot.run.id, step)
        else:
            letter = self._signalling.claim(snapshot.run.id, step, now())
        return self._answer(snapshot, step, letter) if letter else snapshot

    def _answer(self, snapshot: RunSnapshot, step: Step, letter: Letter | None) -> RunSnapshot:
        """End the wait for a signal by one conditional write, then free its mailbox if it is not free yet."""
        moment = now()
        done = answered(step, letter, snapshot.next_order, moment)
        applied = self._store.runs.end_step(snapshot, done, moment)
        self._meter.count("WaitsClosed")
        if letter is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - (step.due or moment))
        else:
            self._meter.count("Resumes")
            self._meter.measure("ResumeLatency", max(0, moment - max(letter.at, step.began)))
            self._signalling.free(snapshot.run.id, step)
        return applied

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
        # Another matcher may have overtaken an earlier event, or the index was late to show the wait. So the log's
        # earliest event ends the wait.
        looked = look(step.wait, self._store, excluded, position.received_at, after=message.cursor(), before=position)
        if looked.cursor is not None:
            self._look_on(message, looked.cursor)
            return None
        return self._resolve(snapshot, step, looked.found or carried_event(message.carried, self._store.log))

    def _look(self, message: Look | Deadline, snapshot: RunSnapshot) -> RunSnapshot | None:
        """End the wait with the log's earliest event for it; at its deadline, without one if there is none."""
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
        """Continue the look in another invocation, so that this one stays short, however long the log is."""
        self._queues.send_to_runs([message.onward(cursor)])

    def _resolve(self, snapshot: RunSnapshot, step: Step, found: ReceivedEvent | None) -> RunSnapshot | None:
        """End the wait by one conditional write. If the rest is cut off, a further delivery repeats it."""
        if found and (why := _cancelled(snapshot, step, found)):
            return replace(snapshot, run=replace(snapshot.run, cancellation=snapshot.run.cancellation or why))
        moment = now()
        done = ended(step, found, step.begun_order if step.is_guard else snapshot.next_order, moment)
        applied = self._store.runs.end_step(snapshot, done, moment)
        self._meter.count("WaitsClosed")
        if not step.is_guard:
            self._measure(step, found, moment)
        self._store.runs.drop(snapshot.run.id, done)
        return None if step.is_guard else applied  # an expired guard changes nothing in its run

    def _measure(self, step: Step, found: ReceivedEvent | None, moment: int) -> None:
        assert step.wait is not None
        if found is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - step.wait.deadline)
        else:
            self._meter.count("Resumes")
            # An event may be older than the wait. Then the wait could not be resumed any sooner.
            self._meter.measure("ResumeLatency", moment - max(found.received_at, step.began))


def _cancelled(snapshot: RunSnapshot, step: Step, found: ReceivedEvent) -> Cancellation | None:
    """Return why the run is cancelled, if the event ends a guard of it, whichever message is first.

    An event that ends a guard and a wait of the run cancels the run.
    """
    return Cancellation.by(found) if step.is_guard else met(snapshot.guards, found, snapshot.run.started_by)


def _has_due(snapshot: RunSnapshot, moment: int) -> bool:
    """Return whether a sleep, a retry, the function or a timeout is due. A wait's deadline has its own message."""
    dues = [step.due for step in snapshot.parts if step.is_open and step.wait is None]
    return any(due is not None and due <= moment for due in (snapshot.run.due, *dues))
