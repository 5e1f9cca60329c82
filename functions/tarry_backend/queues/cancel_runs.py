"""How runs are cancelled by hand: by a person, or by the app's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.queues.messages import CancelRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["request_cancel"]


def request_cancel(run_ids: Sequence[str], store: Store, queues: Queues) -> int:
    """Has these runs cancelled; returns how many were told. Those that have ended stay as they are.

    The mark comes first. An executor that is at work on a run finds it between two steps; the message, which stands
    behind that work in the run's group, is what cancels the run for certain.
    """
    store.runs.request_cancel(run_ids, now())
    return queues.send_to_runs(map(CancelRun, run_ids))
