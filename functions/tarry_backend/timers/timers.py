"""What is due: brought to the second by the timers queue, and into it by the minute sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.model.position import Position
from tarry_backend.model.step import LISTENING, Status
from tarry_backend.queues.delays import delay_until, marker_delay
from tarry_backend.queues.messages import Due, Look, Marker, MessageError, Settle, Wake, decode
from tarry_backend.store.due_index import SHARDS
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
"""How far ahead the sweep looks, in milliseconds. What it covers at a time was registered at least a minute
before, since what is nearer than three minutes goes straight into the queue: so the index may lag by a minute."""

OVERDUE = 60_000
"""How late, in milliseconds, an open due is when the sweep brings it again for the first time.

It was lost on its way, or its run cannot go on. So the sweep backs off: it brings it again when it is twice as late as
the last time, and once a day from the second day on.
"""

_DAY = 86_400_000


class Timers:
    """Brings dues to the runs, and deadlines into the events queue, behind the events before them."""

    def __init__(self, settings: Settings, store: Store, queues: Queues) -> None:
        self._store = store
        self._queues = queues
        # How old, in milliseconds, an event may be when a wait begins, and its matcher still be to come.
        self._unsettled = settings.unsettled_seconds * 1000

    def handle(self, body: str) -> None:
        """One message of the timers queue."""
        match decode(body):
            case Due() as message:
                self._due(message)
            case Settle() as message:
                self._settle(message)
            case other:
                raise MessageError(f"a {other.kind} message does not belong in the timers queue")

    def sweep(self) -> int:
        """Puts into the timers queue what will be due soon, and what is overdue. Returns how many there were."""
        moment = now()
        reached = self._store.dues.cursor()
        found = (due for shard in SHARDS for due in self._found(shard, reached, moment))
        count = self._queues.send_to_timers(
            (Due(due.run_id, due.step_key, due.kind, due.at), delay_until(due.at, moment, due.kind)) for due in found
        )
        self._store.dues.move_cursor(moment + SWEPT)  # last: a sweep that is cut off is done again
        return count

    def _found(self, shard: int, reached: int, moment: int) -> Iterator[DueEntry]:
        """What comes into sight, and what is overdue and has its turn again since the last sweep that ended well."""
        dues, last = self._store.dues, reached - SWEPT
        for due in dues.between(shard, 0, moment - OVERDUE):
            if bring_ups(moment - due.at) > bring_ups(last - due.at):
                yield due
        yield from dues.between(shard, max(reached, moment - OVERDUE), moment + SWEPT)

    def _due(self, message: Due) -> None:
        """SQS delays by whole seconds, and its clock is not ours: what is early goes back for the rest."""
        moment = now()
        delay = delay_until(message.due, moment, message.step_kind)
        if delay > 0:
            self._queues.send_to_timers([(message, delay)])
        elif message.step_kind in LISTENING and message.step_key is not None:
            marker = Marker(message.run_id, message.step_key, message.due)
            self._queues.send_to_matcher(marker, marker_delay(message.due, moment))
        else:
            self._queues.send_to_runs([Wake(message.run_id, message.due)])

    def _settle(self, message: Settle) -> None:
        """By now the index has the wait. What came before, and may have missed it, is in the log.

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
    """How often the sweep has brought a due that is that late (milliseconds) and still open."""
    return (min(lateness, _DAY) // OVERDUE).bit_length() + lateness // _DAY if lateness >= OVERDUE else 0


def next_bring_up(due: int, moment: int) -> int:
    """When the sweep brings again what is due then, after ``moment``, if it is still open. Unix milliseconds."""
    lateness = max(0, moment - due)
    if lateness >= _DAY:
        return due + (lateness // _DAY + 1) * _DAY
    return due + min(OVERDUE << (lateness // OVERDUE).bit_length(), _DAY)
