"""The outbox of a matcher: the messages to runs that follow from a batch, sent in tens."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.matcher.gatherer import Gatherer
    from tarry_backend.matcher.window_entry import WindowEntry
    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.queues.sender import Queues
    from tarry_backend.telemetry import Meter

__all__ = ["MOST", "PATIENCE", "Outbox"]

MOST = 100
"""How many messages the outbox gathers before it sends them: a message may carry an event of 48,000 characters."""

PATIENCE = 1.0
"""For how many seconds the outbox gathers: what follows from one event must not wait long for the events behind it."""

_FEW = 10


class Outbox:
    """The messages of one batch. A record is done once it was acted on and the outbox has sent its messages.

        record 1    log ── start ┐
        record 2    log ── resume┤
        record 3    log ── start ┴─ one request ── all three are done

    They stay in the order in which the matcher wrote them: that of the positions of their events. Events that are
    gathered before they start a run wait here too, so that those of one key are stored together.
    """

    def __init__(self, queues: Queues, gatherer: Gatherer | None = None) -> None:
        self._queues = queues
        self._gatherer = gatherer
        self._to_gather: list[tuple[str, WindowEntry]] = []
        self._record = ""
        self._gathered: list[tuple[str, RunMessage]] = []
        self._since = 0.0
        self._unsent: set[str] = set()
        self._counts: dict[str, list[tuple[str, int]]] = {}

    def write_for(self, record: str) -> None:
        """Note which record the next messages follow from, by its message id. Send the others if they are old."""
        if (self._gathered or self._to_gather) and monotonic() - self._since > PATIENCE:
            self.flush()
        self._record = record

    def send_to_runs(self, messages: Iterable[RunMessage]) -> int:
        """Take messages to the executor; return their number. It sends many messages at once, such as a page's resumes.

        Raises:
            QueueError: SQS refused some of many messages.
        """
        messages = list(messages)
        if len(messages) > _FEW:
            self.flush()  # what follows from earlier events goes first
            return self._queues.send_to_runs(messages)
        self._begin()
        self._gathered += ((self._record, message) for message in messages)
        if len(self._gathered) >= MOST:
            self.flush()
        return len(messages)

    def gather(self, events: Iterable[WindowEntry]) -> None:
        """Take events that are gathered before they start a run."""
        self._begin()
        self._to_gather += ((self._record, each) for each in events)

    def count(self, name: str, more: int = 1) -> None:
        """Count something for the record. It is published once the record is done: one that comes again counts once."""
        self._counts.setdefault(self._record, []).append((name, more))

    def publish(self, record: str, meter: Meter) -> None:
        """Publish the counts of a record that is done."""
        for name, more in self._counts.pop(record, ()):
            meter.count(name, more)

    def flush(self) -> None:
        """Send and store what is here. If a message cannot be sent, its record is not done; the others are."""
        gathered, self._gathered = self._gathered, []
        errors = self._queues.send_in_order(message for _, message in gathered)
        for place, error in errors.items():
            record, message = gathered[place]
            self._unsent.add(record)
            logger.error(
                "message %s failed: its %s could not be sent; SQS delivers it again",
                record,
                message.kind,
                exc_info=error,
            )

        waiting, self._to_gather = self._to_gather, []
        if waiting and self._gatherer is not None:
            self._unsent |= self._gatherer.gather(waiting)

    def _begin(self) -> None:
        if not self._gathered and not self._to_gather:
            self._since = monotonic()

    def is_sent(self, record: str) -> bool:
        """Return whether all messages of the record were sent, as of the last ``flush``."""
        return record not in self._unsent
