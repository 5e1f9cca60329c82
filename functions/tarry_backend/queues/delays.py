"""SQS delays in whole seconds, and how to round each kind."""

from __future__ import annotations

from tarry_backend.model.step import LISTENING
from tarry_backend.store.due_index import WINDOWS

__all__ = ["delay_until", "marker_delay"]

_MARGIN = 500

_LISTENING = LISTENING | WINDOWS


def delay_until(due: int, moment: int, step_kind: str) -> int:
    """Return the seconds from ``moment`` to ``due`` (both Unix milliseconds).

    For what listens for events (a step with a deadline, a window) the message arrives up to a second early, since its
    marker still follows. For anything else, it arrives up to a second late.
    """
    return (due - moment) // 1000 if step_kind in _LISTENING else -(-(due - moment) // 1000)


def marker_delay(deadline: int, moment: int) -> int:
    """Return the delay of a marker in seconds: it arrives half a second to one and a half after the deadline.

    Events received just before the deadline are in the queue then. The wait still ends within two seconds.
    """
    return max(1, -(-(deadline - moment + _MARGIN) // 1000))
