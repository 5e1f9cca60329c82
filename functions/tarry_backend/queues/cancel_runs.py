"""The cancellation of runs by a person, or by the app's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tarry_backend.clock import now
from tarry_backend.queues.messages import CancelRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.store import Store

__all__ = ["RunsQueue", "request_cancel"]


class RunsQueue(Protocol):
    """Whoever takes messages to runs."""

    def send_to_runs(self, messages: Iterable[RunMessage]) -> int:
        """Take messages; return their number."""


def request_cancel(run_ids: Sequence[str], store: Store, queues: RunsQueue) -> int:
    """Cancel these runs; return how many got the message. Ended runs do not change.

    The mark comes first: an executor that works on a run finds it between two steps. The message is behind that
    work in the run's group, and cancels the run for certain.
    """
    store.runs.request_cancel(run_ids, now())
    return queues.send_to_runs(map(CancelRun, run_ids))
