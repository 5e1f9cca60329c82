"""The turn of a run: what it waits for before its function is replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tarry_backend.clock import now
from tarry_backend.executor.run_begin import held, postponed, turned
from tarry_backend.model.cancellation import Cancellation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry import Function
    from tarry_backend.executor.entrance import Entrance
    from tarry_backend.executor.gatekeeper import Place
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.executor.run_end import OutcomeWriter
    from tarry_backend.executor.run_journal import RunJournal
    from tarry_backend.executor.start_times import StartTimes
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.queues.messages import RunMessage

__all__ = ["Turn", "Turns"]


class Turn(NamedTuple):
    """A run that goes on now, and the places that it has taken in gates."""

    snapshot: RunSnapshot
    places: Sequence[Place]


class Turns:
    """The turns of an executor's runs. Each kind of waiting costs a request only where it is used."""

    def __init__(self, outcomes: OutcomeWriter, times: StartTimes, entrance: Entrance) -> None:
        self._outcomes = outcomes
        self._times = times
        self._entrance = entrance

    def take(
        self,
        function: Function,
        message: RunMessage,
        snapshot: RunSnapshot,
        journal: RunJournal,
        delivery: MessageDelivery,
    ) -> Turn | Cancellation | None:
        """Return the run's turn. If it has to wait, it is left to what wakes it. Or say why it is cancelled instead."""
        run = self._outcomes.turns.comes(snapshot.run)
        if isinstance(run, Cancellation):
            return run
        snapshot = replace(snapshot, run=run)
        if snapshot.rests(journal.now()) and not journal.taken:  # a repeated message does not hasten the attempt
            if run.after is not None:
                postponed(function, snapshot, journal)
            self._outcomes.leave(run)
            self._entrance.decline(message)
            return None
        begins = self._times.take(function, snapshot)
        if begins is not None and begins > now():
            self._postpone(function, snapshot, journal, replace(run, due=begins, paced=begins))
            self._outcomes.remind(replace(run, due=begins))
            self._entrance.decline(message)
            return None
        if (places := self._entrance.enter(function, run, message, delivery)) is None:
            waiting = replace(held(snapshot, now()), paced=run.paced or begins)
            if run.paced is not None:  # its time has come, and the gate wakes it
                waiting = replace(waiting, due=None)
            self._postpone(function, snapshot, journal, waiting)
            return None
        return Turn(turned(function, snapshot, journal), places)

    def _postpone(self, function: Function, snapshot: RunSnapshot, journal: RunJournal, waiting: Run) -> None:
        """Leave a run that waits for its turn, with the time by which it has to begin."""
        postponed(function, snapshot, journal)
        self._outcomes.leave(snapshot.run, waiting)
