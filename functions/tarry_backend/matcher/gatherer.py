"""The gatherer: it takes events that do not start their run at once, and gives them to what gathers them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from tarry_backend.store.due_index import BATCHES
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.matcher.batcher import Batcher
    from tarry_backend.matcher.debouncer import Debouncer
    from tarry_backend.matcher.starts import DeclaredApp
    from tarry_backend.matcher.window_entry import WindowEntry
    from tarry_backend.queues.messages import WindowEnd
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["Gatherer"]


class Gatherer:
    """The gatherer of one matcher. What gathers is loaded with the first event for it: most apps use none."""

    def __init__(self, app: DeclaredApp, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._store = store
        self._queues = queues
        self._meter = meter

    @cached_property
    def _debouncer(self) -> Debouncer:
        from tarry_backend.matcher.debouncer import Debouncer

        return Debouncer(self._app, self._store, self._queues, self._meter)

    @cached_property
    def _batcher(self) -> Batcher:
        from tarry_backend.matcher.batcher import Batcher

        return Batcher(self._app, self._store, self._queues)

    def _kind(self, window: str) -> Debouncer | Batcher:
        return self._batcher if window == BATCHES else self._debouncer

    def gather(self, gathered: Iterable[tuple[str, WindowEntry]]) -> set[str]:
        """Store where these events are; return the ids of the records of which something could not be stored.

        The events of a batch of records that have the same key are stored together.
        """
        groups: dict[tuple[str, str], list[tuple[str, WindowEntry]]] = defaultdict(list)
        for record, each in gathered:
            groups[each.window, each.name].append((record, each))
        failed: set[str] = set()
        for (window, name), group in groups.items():
            try:
                self._kind(window).take(name, [each for _, each in group])
            except Exception:
                records = {record for record, _ in group}
                logger.exception("messages %s failed; SQS delivers them again", ", ".join(sorted(records)))
                failed |= records
        return failed

    def end(self, message: WindowEnd, moment: int, *, again: bool) -> None:
        """Act on the end of a window. ``moment`` is the queue's time; ``again`` says that an earlier matcher failed."""
        self._kind(message.window).end(message, moment, again=again)
