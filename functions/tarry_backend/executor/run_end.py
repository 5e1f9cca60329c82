"""The outcome of a replay: the executor stores it, and announces a run's end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.events.address import caller
from tarry_backend.executor.attempt_report import report_run_attempt
from tarry_backend.executor.hand_over import successor_of
from tarry_backend.executor.signal_wait import Signalling
from tarry_backend.executor.singleton_turns import SingletonTurns
from tarry_backend.model.cancellation import BY_HAND, Cancellation
from tarry_backend.model.own_code import beside
from tarry_backend.model.run import PARKED, RunStatus
from tarry_backend.queues.delays import delay_until
from tarry_backend.queues.messages import Continue, Due, Returned
from tarry_backend.queues.sender import HORIZON
from tarry_backend.replay import Continued, Failed, Finished, Paused, Status
from tarry_backend.replay.jitter import jitter
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from tarry.function import Retries
    from tarry_backend.executor.announcer import Announcer
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.queues.sender import Queues
    from tarry_backend.replay import Failure, Outcome
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["OutcomeWriter"]


class OutcomeWriter:
    """The writer of outcomes: a run's end, its pause, its next attempt."""

    def __init__(
        self, app_id: str, store: Store, queues: Queues, announcer: Announcer, meter: Meter, version: str = ""
    ) -> None:
        self._app_id = app_id
        self._store = store
        self._queues = queues
        self._announcer = announcer
        self._meter = meter
        self._version = version
        self._signalling = Signalling(store)
        self.turns = SingletonTurns(store, queues, meter)

    def keep(self, snapshot: RunSnapshot, outcome: Outcome, retries: Retries) -> bool:
        """Store the outcome of a run's replay; return whether the run has ended."""
        match outcome:
            case Finished(output):
                self._end(snapshot, RunStatus.FINISHED, output=output)
                return True
            case Continued():
                self._hand_over(snapshot, outcome)
                return True
            case Failed() as failed if failed.final or snapshot.attempt >= retries.limit:
                self.fail(snapshot, failed.error)
                return True
            case Failed() as failed:
                self._try_again(snapshot, failed, retries)
            case Paused(out_of_time):
                self._pause(snapshot.run, out_of_time)
        return False

    def fail(self, snapshot: RunSnapshot, error: Failure) -> None:
        """End the run as failed."""
        log = logger.info if error.quiet else logger.error
        where = beside(error.message, error.stack)
        log("run %s failed: %s: %s%s", snapshot.run.id, error.name, error.message, where)
        self._end(snapshot, RunStatus.FAILED, error=error.under(self._version))

    def cancel(self, snapshot: RunSnapshot, why: Cancellation = BY_HAND) -> None:
        """End the run where it is.

        The FIFO queue held the message back until no executor had the run, or the executor stopped between two steps.
        """
        why = self.turns.why(snapshot.run) if why is BY_HAND else why
        self._end(replace(snapshot, run=replace(snapshot.run, cancellation=why)), RunStatus.CANCELLED)

    def conclude(self, snapshot: RunSnapshot) -> None:
        """Announce a stored end, and withdraw the run's open steps.

        This may happen twice: the announcement's id is that of the run and its life, so listeners count it once, and a
        step ends once.
        """
        self._conclude(self._left_mailboxes(snapshot), again=True)

    def announce_former(self, run: Run) -> None:
        """Announce the end of the life before, under its own id: so it counts once, if it was announced already."""
        if run.revival is not None and run.revival.origin is None:
            from tarry_backend.executor.run_revival import former

            self.answer(former(run))
            self._announcer.announce(former(run), again=True)

    def _conclude(self, snapshot: RunSnapshot, *, again: bool = False) -> None:
        run = snapshot.run
        if run.successor is not None:  # it is no end for others: they hear of the chain's
            self._queues.send_to_runs([Continue(run.successor)])
        else:
            self.answer(run)
            self._announcer.announce(run, again=again)
            if run.chain is not None:
                self._store.chains.close(run)
        self._store.runs.retire(snapshot, run.ended or now())
        if run.successor is None:
            self.turns.pass_on(run)

    def _hand_over(self, snapshot: RunSnapshot, outcome: Continued) -> None:
        """End the run, and let its successor begin. If the executor dies after the write, the next one wakes it."""
        snapshot = self._left_mailboxes(snapshot)
        moment = now() + snapshot.behind
        successor = successor_of(snapshot, outcome, moment, self._version or None)
        ended = replace(snapshot.run, status=RunStatus.FINISHED, ended=moment, successor=successor.id)
        run = replace(ended, due=None, error=None, deaths=0)
        turn = self.turns.hand_over(run, successor)
        if isinstance(turn, Cancellation):
            self.cancel(snapshot, turn)
            return
        self._store.chains.hand_over(run, replace(successor, singleton=run.singleton), *turn)
        self._meter.count("Continued")
        self._conclude(replace(snapshot, run=run))

    def answer(self, run: Run) -> None:
        """Report the run's end to the step that invoked it, if there is one: not a rerun's. The run has its outcome.

        A run that has handed over does so too, if it is asked once more: the step then looks at its chain's newest run.

        A step that was answered before has ended, and drops the answer. One that has not seen the first end of a run
        before the run was retried gets this one:

            function    failed ── Returned ┄┄┄┄┄ retried ─────────── finished ── Returned
            caller                          look: it runs again                          look: ended
        """
        if run.origin is None and (waiting := caller(run, self._app_id)) is not None:
            self._queues.send_to_runs([Returned(waiting.run_id, waiting.step_key)])

    def leave(self, run: Run, changed: Run | None = None) -> None:
        """Leave the run to its next attempt, as it is or changed. This executor has not died of it."""
        after = replace(changed or run, deaths=0)
        if after != run:
            self._store.runs.save(after)

    def park(self, snapshot: RunSnapshot, problem: Failure, moment: int) -> None:
        """Put a run aside whose function is missing. The changes of its message are stored.

        The run becomes due like a function's next attempt. So its wake-up finds out whether the function is back, and
        no message becomes a dead letter meanwhile:

            deployed    without the function ─────────────────────── with it
            run              message: applied, parked ── wake: parked ─── wake: replayed
        """
        run = snapshot.run
        self._meter.count("Parked")
        if snapshot.rests(moment):
            self.leave(run)
            return
        if run.error != problem:
            logger.error("run %s is parked: %s", run.id, problem.message)
        parked = replace(run, due=moment + PARKED, error=problem.under(self._version), deaths=0)
        self._store.runs.save(parked)
        self.remind(parked)

    def remind(self, run: Run) -> None:
        """Send a timer for the function's next attempt, or its first, if that is soon."""
        if run.due is not None and run.due - now() <= HORIZON:
            message = Due(run.id, None, "run", run.due)
            self._queues.send_to_timers([(message, delay_until(run.due, now(), message.step_kind))])

    def _end(
        self, snapshot: RunSnapshot, status: RunStatus, *, output: str | None = None, error: Failure | None = None
    ) -> None:
        waits = sum(step.status is Status.WAITING for step in snapshot.parts)
        snapshot = self._left_mailboxes(snapshot)
        # An event that the run had, or that its steps waited for, was before its end by the queues' clock.
        ended = replace(snapshot.run, status=status, ended=now() + snapshot.behind, output=output, error=error)
        run = replace(ended, due=None, revival=None)
        self._store.runs.save(run)
        self._meter.count(status.capitalize())
        self._meter.count("WaitsClosed", waits)
        self._conclude(replace(snapshot, run=run))

    def _left_mailboxes(self, snapshot: RunSnapshot) -> RunSnapshot:
        """Return the run after its open waits for signals have left their mailboxes, with the signals they were given.

        They leave before the run's end is stored. So no receipt says that an ended run was given a signal:

            executor    leaves ── end kept
            sender                         nobody waits
        """
        for step in snapshot.steps:
            if not step.signal or not step.is_open or step.status is Status.WITHDRAWN:
                continue
            left = self._signalling.withdraw(snapshot.run.id, step)
            if left is not step:
                left = replace(left, status=Status.WITHDRAWN, ended=now())
                snapshot = self._store.runs.end_step(snapshot, left, now())
                self._signalling.free(snapshot.run.id, left)
        return snapshot

    def _try_again(self, snapshot: RunSnapshot, failed: Failed, retries: Retries) -> None:
        attempt, moment = snapshot.attempt, now()
        pause = failed.pause(moment)
        if pause is None:
            pause = retries.pause(attempt, jitter(snapshot.run.id, attempt))
        run = replace(
            snapshot.run,
            attempt=attempt + 1,
            attempt_steps=snapshot.ended_steps,
            due=moment + pause,
            error=failed.error.under(self._version),
            deaths=0,
            attempt_since=_earlier(snapshot.run.attempt_since, failed.unkept_since),
        )
        self._store.runs.hold(snapshot, moment + pause)
        self._store.runs.save(run)
        self.remind(run)
        report_run_attempt(run, run.error or failed.error, retries.limit + 1)

    def _pause(self, run: Run, out_of_time: bool) -> None:
        if out_of_time:
            self._queues.send_to_runs([Continue(run.id)])
        since = run.attempt_since if out_of_time else None  # some steps of a lost attempt may still follow
        if run.due is not None or run.deaths or run.attempt_since != since:
            self._store.runs.save(replace(run, due=None, error=None, deaths=0, attempt_since=since))


def _earlier(*moments: int | None) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
