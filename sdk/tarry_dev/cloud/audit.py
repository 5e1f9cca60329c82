"""The audit trail of the embedded cloud: the files that the stack has Firehose write, in a folder."""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tarry_backend.events.audit_row import EVENTS, PARTITION, Row, day_of, row
from tarry_dev import trail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tarry_dev.cloud.clock import Clock

__all__ = ["Audit"]


class Audit:
    """Collects the events of the bus, and writes them to ``folder`` as Parquet on demand.

    As on AWS: ``events/day=YYYY-MM-DD/*.parquet``, the day being that on which the event was taken in.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._alone = Lock()

    def take(self, fields: dict[str, Any]) -> None:
        """Takes in an event, in EventBridge's form."""
        now = self._clock.now()
        with self._alone:
            self._rows[day_of(now)].append(row(fields, now))

    def flush(self) -> None:
        """Writes what was taken in since the last time; a file a day. What cannot be written now is kept."""
        with self._alone:
            batch = {day: list(rows) for day, rows in self._rows.items() if rows}
        for day, rows in batch.items():
            self._write(day, rows)
            with self._alone:
                del self._rows[day][: len(rows)]

    def _write(self, day: str, rows: Sequence[Row]) -> None:
        folder = self._folder / EVENTS / f"{PARTITION}={day}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{uuid4()}.parquet"
        # Whoever reads the folder meanwhile shall find no half of a file.
        unfinished = file.with_suffix(".part")
        trail.write(unfinished, rows)
        unfinished.replace(file)
