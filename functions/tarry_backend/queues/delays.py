"""SQS delays in whole seconds, and how to round each kind."""

from __future__ import annotations

from tarry_backend.model.step import LISTENING

__all__ = ["delay_until", "marker_delay"]

_MARGIN = 500


def delay_until(due: int, moment: int, step_kind: str) -> int:
    """Return the seconds from ``moment`` to ``due`` (both Unix milliseconds).

    For the deadline of a step that listens for events, the message arrives up to a second early, since its marker
    still follows. For anything else, it arrives up to a second late.
    """
    return (due - moment) // 1000 if step_kind in LISTENING else -(-(due - moment) // 1000)


def marker_delay(deadline: int, moment: int) -> int:
    """Return the delay of a marker in seconds: it arrives half a second to one and a half after the deadline.

    Events received just before the deadline are in the queue then. The wait still ends within two seconds.
    """
    return max(1, -(-(deadline - moment + _MARGIN) // 1000))
