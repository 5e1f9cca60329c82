"""The timers and the sweep. The sweep fills the timers queue each minute; the queue delays to the second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.model.position import Position
from tarry_backend.model.step import LISTENING, Status
from tarry_backend.queues.delays import delay_until, marker_delay
from tarry_backend.queues.messages import (
    Admit,
    Continue,
    Due,
    Look,
    Marker,
    MessageError,
    RemoveObjects,
    Settle,
    Wake,
    WindowEnd,
    decode,
)
from tarry_backend.store.due_index import GATE, LINE, OBJECTS, SHARDS, WINDOWS
from tarry_backend.store.event_names import SKEW
from tarry_backend.waits.lookup import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.deploy.settings import Settings
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.store.due_index import DueEntry

__all__ = ["OVERDUE", "SWEPT", "Timers", "bring_ups", "next_bring_up"]

SWEPT = 120_000
"""How far ahead the sweep looks, in milliseconds.

The sweep covers only timers registered at least a minute before, because a timer nearer than three minutes goes
straight into the queue. So the index may lag by a minute.
"""

OVERDUE = 60_000
"""How late, in milliseconds, an open timer is when the sweep sends it again for the first time.

The timer was lost on its way, or its run cannot go on. So the sweep backs off: it sends the timer again when it is
twice as late as the last time, and once a day from the second day on.
"""

_DAY = 86_400_000


class Timers:
    """The timers: sends due steps to their runs, and deadlines into the events queue, after the events before them."""

    def __init__(self, settings: Settings, store: Store, queues: Queues) -> None:
        self._store = store
        self._queues = queues
        # How old, in milliseconds, an event may be when a wait begins, and its matcher not have run yet.
        self._unsettled = settings.unsettled_seconds * 1000

    def handle(self, body: str) -> None:
        """Handle one message of the timers queue."""
        match decode(body):
            case Due() as message:
                self._due(message)
            case Settle() as message:
                self._settle(message)
            case other:
                raise MessageError(f"a {other.kind} message does not belong in the timers queue")

    def sweep(self) -> int:
        """Put timers that are due soon, or overdue, into the timers queue; return their number."""
        moment = now()
        reached = self._store.dues.cursor()
        found = (due for shard in SHARDS for due in self._found(shard, reached, moment))
        count = self._queues.send_to_timers(
            (Due(due.run_id, due.step_key, due.kind, due.at), delay_until(due.at, moment, due.kind)) for due in found
        )
        self._store.dues.move_cursor(moment + SWEPT)  # last: the next sweep repeats a sweep that was cut off
        return count

    def _found(self, shard: int, reached: int, moment: int) -> Iterator[DueEntry]:
        """Yield timers that are due soon, and overdue timers whose turn came since the last complete sweep."""
        dues, last = self._store.dues, reached - SWEPT
        for due in dues.between(shard, 0, moment - OVERDUE):
            if bring_ups(moment - due.at) > bring_ups(last - due.at):
                yield due
        yield from dues.between(shard, max(reached, moment - OVERDUE), moment + SWEPT)

    def _due(self, message: Due) -> None:
        """Send a due timer to its run, the marker of a deadline or window to the matcher, a gate to the executor.

        A timer that is early waits for the rest: SQS delays by whole seconds, and its clock may differ from this
        Lambda's.
        """
        moment = now()
        delay = delay_until(message.due, moment, message.step_kind)
        if delay > 0:
            self._queues.send_to_timers([(message, delay)])
        elif message.step_kind in LISTENING and message.step_key is not None:
            marker = Marker(message.run_id, message.step_key, message.due)
            self._queues.send_to_matcher(marker, marker_delay(message.due, moment))
        elif message.step_kind in WINDOWS:
            end = WindowEnd(message.step_kind, message.run_id, message.due)
            self._queues.send_to_matcher(end, marker_delay(message.due, moment))
        elif message.step_kind == GATE:
            self._queues.send_to_runs([Admit(message.run_id, message.due)])
        elif message.step_kind == OBJECTS:
            self._queues.send_to_runs([RemoveObjects(message.run_id)])
        elif message.step_kind == LINE:
            self._queues.send_to_runs([Continue(message.run_id)])
        else:
            self._queues.send_to_runs([Wake(message.run_id, message.due)])

    def _settle(self, message: Settle) -> None:
        """Look into the log for a wait that the index now has. An earlier event may have missed the wait.

        executor    wait ── log read ─────────────────────────── settle
        matcher            (event) log ── index, which lags: nothing
        """
        step = self._store.runs.step(message.run_id, message.step_key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return
        excluded, after = frozenset(message.excluded), message.cursor() or Position(step.began - self._unsettled)
        looked = look(step.wait, self._store, excluded, now() + SKEW, after=after)
        if looked.found is not None:
            self._queues.send_to_runs([Look(message.run_id, message.step_key)])
        elif looked.cursor is not None:
            self._queues.send_to_timers([(message.onward(looked.cursor), 0)])


def bring_ups(lateness: int) -> int:
    """Return how often the sweep has sent a timer that is that late (milliseconds) and still open."""
    return (min(lateness, _DAY) // OVERDUE).bit_length() + lateness // _DAY if lateness >= OVERDUE else 0


def next_bring_up(due: int, moment: int) -> int:
    """Return when, after ``moment``, the sweep sends a timer again that is still open. Unix milliseconds."""
    lateness = max(0, moment - due)
    if lateness >= _DAY:
        return due + (lateness // _DAY + 1) * _DAY
    return due + min(OVERDUE << (lateness // OVERDUE).bit_length(), _DAY)
