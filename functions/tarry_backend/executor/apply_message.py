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
from tarry_backend.model.position import Position
from tarry_backend.queues.messages import Continue, Deadline, Look, Resume, Returned, Signalled, Start, Wake
from tarry_backend.replay import Status, excluded_ids
from tarry_backend.store.event_names import SKEW
from tarry_backend.waits.lookup import TAIL, admits, earliest, ended, overtaken

if TYPE_CHECKING:
    from tarry._wire.mailbox import Letter
    from tarry_backend.model.received_event import Received
    from tarry_backend.replay import Step
    from tarry_backend.store import Store, Whole
    from tarry_backend.telemetry import Meter

    RunMessage = Start | Resume | Wake | Deadline | Look | Returned | Signalled | Continue

__all__ = ["Telling"]


class Telling:
    """Applies messages to runs. A message that has been applied already, or comes too late, changes nothing."""

    def __init__(self, store: Store, meter: Meter) -> None:
        self._store = store
        self._meter = meter
        self._signalling = Signalling(store)

    def apply(self, message: RunMessage, whole: Whole) -> Whole | None:
        """The run as it is once it has been told; ``None`` if that is nothing to go on with.

        What tells a guard of its event gives the run a ``cancellation``, and keeps nothing: the run's end does.
        """
        match message:
            case Start() | Continue():
                return whole
            case Wake(due=due):
                return self._wake(whole, max(now(), due))
            case Signalled(step_key=key):
                return self._signalled(whole, key)
            case Resume():
                return self._resume(message, whole)
            case Look(step_key=key):
                return self._look(whole, key, at_deadline=False)
            case Deadline(step_key=key):
                return self._look(whole, key, at_deadline=True)
            case Returned(step_key=key):
                return self._return(whole, key, at_deadline=False)

    def look_again(self, whole: Whole) -> Whole:
        """Looks into the log for each open wait: an executor may have died between writing it and looking. And at the
        runs that were invoked."""
        for step in whole.steps:
            whole = self._look(whole, step.key, at_deadline=False) or whole
            whole = self._return(whole, step.key, at_deadline=False) or whole
            whole = self._claim_again(whole, step) if step.signal else whole
        return whole

    def _wake(self, whole: Whole, moment: int) -> Whole | None:
        """Ends what of signals and invocations is due; with what else is due the function goes on."""
        told = whole
        for step in whole.steps:
            if step.is_open and step.due is not None and step.due <= moment:
                told = self._end_due(told, step)
        return told if told is not whole or _has_due(whole, moment) else None

    def _end_due(self, whole: Whole, step: Step) -> Whole:
        if step.signal:
            return self._answer(whole, step, self._signalling.leave(whole.run.id, step))
        return self._return(whole, step.key, at_deadline=True) or whole

    def _return(self, whole: Whole, key: str, *, at_deadline: bool) -> Whole | None:
        """Ends an invocation with what has become of its run; at its deadline, in any case.

        The run itself says how it has ended, and it is read after the deadline. So what was kept in time always counts,
        and what comes later finds a step that has ended:

        function    end kept ────── Returned ┄┄┄┄┄┄┄┄┄┄┄ dropped
        caller          deadline ── Wake ── look ── result kept

        function                                end kept ────── Returned: dropped
        caller          deadline ── Wake ── look ── timeout kept
        """
        step = whole.step(key)
        if step is None or step.status is not Status.INVOKING or step.invocation is None:
            return None
        run = self._store.runs.run(step.invocation.run_id)
        done = None if run is None else returned(step, run, whole.size, whole.next_order, now())
        if done is None and at_deadline:
            done = timed_out(step, whole.next_order, now())
        if done is None:
            return None
        self._store.runs.keep(whole.run.id, done, is_new=False)
        return whole.with_step(done)

    def _signalled(self, whole: Whole, key: str) -> Whole | None:
        step = whole.step(key)
        if step is None or step.signal is None or not step.is_open:
            return None
        letter = self._signalling.look(whole.run.id, step)
        return self._answer(whole, step, letter) if letter else None

    def _claim_again(self, whole: Whole, step: Step) -> Whole:
        """An executor may have died between writing the wait and having it wait, or between ending it and freeing its
        mailbox. At its deadline it may have freed the mailbox first, so from then on the wait does not claim it."""
        if not step.is_open:
            self._signalling.free(whole.run.id, step)
            return whole
        if now() >= (step.due or 0):
            letter = self._signalling.look(whole.run.id, step)
        else:
            try:
                letter = self._signalling.claim(whole.run.id, step, now())
            except UsageError as error:
                raise UsageError(f"step {step.key!r}: {error}") from error
        return self._answer(whole, step, letter) if letter else whole

    def _answer(self, whole: Whole, step: Step, letter: Letter | None) -> Whole:
        """Ends the wait for a signal by one conditional write, then frees its mailbox if that is not free yet."""
        moment = now()
        done = answered(step, letter, whole.next_order, moment)
        self._store.runs.keep(whole.run.id, done, is_new=False)
        self._meter.count("WaitsClosed")
        if letter is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - (step.due or moment))
        else:
            self._meter.count("Resumes")
            self._meter.measure("ResumeLatency", max(0, moment - max(letter.at, step.began)))
            self._signalling.free(whole.run.id, step)
        return whole.with_step(done)

    def _resume(self, message: Resume, whole: Whole) -> Whole | None:
        step = whole.step(message.step_key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        position = Position(message.carried.received_at, message.carried.id)
        excluded = _excluded(whole, step)
        if not admits(step.wait, message.carried.name, position, excluded):
            return None
        # An event before it may have been overtaken: by another matcher, or because the index was late to show the
        # wait. What ends it is the log's earliest, whoever tells of it.
        found = overtaken(step.wait, self._store, position, excluded)
        return self._resolve(whole, step, found or self._store.log.carried(message.carried))

    def _look(self, whole: Whole, key: str, *, at_deadline: bool) -> Whole | None:
        """Ends the wait with what the log holds for it; at its deadline, with nothing if there is nothing."""
        step = whole.step(key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        since = step.wait.deadline - TAIL if at_deadline else 0
        names = self._store.names.of
        found = earliest(step.wait, self._store, names, now() + SKEW, _excluded(whole, step), named_since=since)
        return self._resolve(whole, step, found) if found or at_deadline else None

    def _resolve(self, whole: Whole, step: Step, found: Received | None) -> Whole | None:
        """Ends the wait by one conditional write. All that follows is done again if it is cut off."""
        if found and (why := _cancelled(whole, step, found)):
            return replace(whole, run=replace(whole.run, cancellation=whole.run.cancellation or why))
        moment = now()
        if step.is_guard:
            self._end_guard(whole, step, moment)
            return None
        done = ended(step, found, whole.next_order, moment)
        self._store.runs.keep(whole.run.id, done, is_new=False)
        self._measure(step, found, moment)
        self._store.runs.drop(whole.run.id, done)
        return whole.with_step(done)

    def _end_guard(self, whole: Whole, guard: Step, moment: int) -> None:
        """The guard listens no longer. That is nothing to its run."""
        done = ended(guard, None, guard.begun_order, moment)
        self._store.runs.keep(whole.run.id, done, is_new=False)
        self._meter.count("WaitsClosed")
        self._store.runs.drop(whole.run.id, done)

    def _measure(self, step: Step, found: Received | None, moment: int) -> None:
        assert step.wait is not None
        self._meter.count("WaitsClosed")
        if found is None:
            self._meter.count("Timeouts")
            self._meter.measure("TimeoutLateness", moment - step.wait.deadline)
        else:
            self._meter.count("Resumes")
            # An event may be older than the wait, which then could not be resumed any sooner.
            self._meter.measure("ResumeLatency", moment - max(found.received_at, step.began))


def _excluded(whole: Whole, step: Step) -> frozenset[str]:
    return excluded_ids(whole.steps, step.begun_order, whole.run.event.id)


def _cancelled(whole: Whole, step: Step, found: Received) -> Cancellation | None:
    """An event that a guard and a wait have both been waiting for cancels the run, whichever is told first."""
    return Cancellation.by(found) if step.is_guard else met(whole.guards, found, whole.run.event.id)


def _has_due(whole: Whole, moment: int) -> bool:
    """Whether a sleep, a retry, the function itself or its time is due. A wait's deadline comes another way."""
    dues = [step.due for step in whole.parts if step.is_open and step.wait is None]
    return any(due is not None and due <= moment for due in (whole.run.due, *dues))
