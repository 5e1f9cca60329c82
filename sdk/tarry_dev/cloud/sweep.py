"""The minute sweep of the embedded cloud: when it runs, and whether it needs to."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._wire.steady_logger import steady_logger
from tarry_backend.deploy.topology import SWEEP_MINUTES
from tarry_backend.store.models import DueIndex, Item
from tarry_backend.timers.timers import SWEPT, next_bring_up
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.crash import Crash
from tarry_dev.cloud.message import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_dev.cloud.clock import Clock
    from tarry_dev.cloud.function import LambdaFunction
    from tarry_dev.cloud.moto_tables import FaithfulTable
    from tarry_dev.cloud.queue import Observer

__all__ = ["Sweep"]

_PERIOD = SWEEP_MINUTES * 60_000

_log = steady_logger(__name__)


class Sweep:
    """The function that the schedule calls each minute.

    A moved clock stops only at those minutes at which it would find something: what comes into its sight, and
    what is overdue and still open. So a day takes no more steps than things happen in it.
    """

    def __init__(
        self, function: LambdaFunction, table: FaithfulTable, clock: Clock, region: str, observe: Observer
    ) -> None:
        self.function = function
        self._table = table
        self._clock = clock
        self._region = region
        self._observe = observe
        self._last = self._last_done = clock.now()

    @property
    def next_minute(self) -> int:
        """When the schedule calls next."""
        return _minute_after(max(self._clock.now(), self._last))

    @property
    def next_moment(self) -> int | None:
        """The next minute, in Unix milliseconds, at which it would find something; None if nothing is due."""
        next_minute = self.next_minute
        # As if it had run each minute: what has come into its sight by now is in the timers queue.
        swept = next_minute - _PERIOD + SWEPT
        last = self._last_done
        found_at = (due - SWEPT if due > swept else next_bring_up(due, last) for due in self.dues())
        earliest = min(found_at, default=None)
        return None if earliest is None else max(_minute_after(earliest - 1), next_minute)

    def run(self) -> None:
        """Calls the function, as the schedule does. If it fails, the next minute's call is another chance."""
        self._clock.tick()
        self._last = self._clock.now()
        began = time.monotonic()
        error: BaseException | None = None
        try:
            self.function.invoke(self._event())
            self._last_done = self._last
        except (Exception, Crash) as raised:
            error = raised
            _log.warning("the sweep failed", exc_info=raised)
        self._observe(Delivery(self.function.name, (), frozenset(), error, time.monotonic() - began))

    def dues(self) -> Iterator[int]:
        """The moments that the due index holds. Looked up in moto: a query costs a thousand times as much."""
        due = Item.due.attr_name
        return (int(item.attrs[due].value) for item in self._table.indexed(DueIndex.Meta.index_name))

    def _event(self) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self._clock.now() // 1000, UTC)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_ID,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": [f"arn:aws:events:{self._region}:{ACCOUNT_ID}:rule/sweep"],
            "detail": {},
        }


def _minute_after(moment: int) -> int:
    return (moment // _PERIOD + 1) * _PERIOD
