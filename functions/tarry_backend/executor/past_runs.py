"""Messages to runs that have ended, and to runs that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.messages import CancelRun, Start
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from tarry_backend.executor.entrance import Entrance
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.executor.run_end import OutcomeWriter
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["PastRuns"]


class PastRuns:
    """What is left to do for a run that has ended, or that does not exist."""

    def __init__(self, store: Store, queues: Queues, outcomes: OutcomeWriter, entrance: Entrance) -> None:
        self._store = store
        self._queues = queues
        self._outcomes = outcomes
        self._entrance = entrance

    def handle(self, message: RunMessage, snapshot: RunSnapshot, delivery: MessageDelivery) -> None:
        """Do what the executor that ended the run may have left undone. A cancellation goes on to its successor."""
        run = snapshot.run
        # Open steps show that the executor which ended the run died, and that its message is now a dead letter.
        if delivery.again or snapshot.is_left_open:
            self._outcomes.conclude(snapshot)
            self._entrance.over(run)
        elif isinstance(message, Start):
            self._outcomes.answer(run)  # to a caller that asks once more: see ``RunJournal.invoke``
        if isinstance(message, CancelRun) and run.successor is not None:
            self._cancel_newest(run.id)
        self._entrance.decline(message)

    def drop(self, message: RunMessage) -> None:
        """Drop a message without a run."""
        if isinstance(message, Start):
            return  # its event starts no run: see ``run_admission``
        if isinstance(message, CancelRun):
            self._cancel_newest(message.run_id)
        else:
            logger.warning("run %s does not exist (any more): the executor drops its %s", message.run_id, message.kind)
            self._entrance.decline(message)

    def _cancel_newest(self, run_id: str) -> None:
        """Cancel the newest run of a chain; without one, leave a mark: the start may be a dead letter, redriven later.

        run      hand-over                              hand-over
        cancel             to the run: to its successor           to the next: …
        """
        newest = self._store.chains.newest(run_id)
        if newest is None:
            self._store.runs.request_cancel([run_id], now())
        elif newest.status is RunStatus.RUNNING:
            request_cancel([newest.id], self._store, self._queues)
