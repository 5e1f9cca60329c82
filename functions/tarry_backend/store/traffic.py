"""The count of each name's events in one process: a name's partitions grow with it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from time import monotonic

from tarry_backend.store.event_names import MAX_SHARDS

__all__ = ["PER_SHARD", "WINDOW", "Traffic", "shards_for"]

WINDOW = 10.0
"""The length of a window, in seconds."""

PER_SHARD = 200
"""How many events of a name one process may see in a window, for each shard.

A partition bears 1,000 writes a second; SQS gives a busy queue's messages to at least five processes, and to more as
the queue falls behind. So a hundred a second are enough for a second shard, and a thousand for all sixteen, well before
a partition is full.
"""

_REMEMBERED = 10_000


class Traffic:
    """The counts by name, in windows of ``WINDOW`` seconds."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def count(self, name: str, more: int = 1) -> int:
        """Count ``more`` events of the name; return how many there are in this window."""
        moment = monotonic()
        with self._lock:
            began, count = self._counts.pop(name, (moment, 0))
            if moment - began > WINDOW:
                began, count = moment, 0
            count += more
            self._counts[name] = began, count
            if len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
        return count


def shards_for(count: int) -> int:
    """Return over how many shards to spread that count: a power of two."""
    return min(MAX_SHARDS, 1 << (count // PER_SHARD).bit_length())
