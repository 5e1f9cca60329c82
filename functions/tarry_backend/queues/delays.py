"""SQS delays by whole seconds: which way to round, for whom."""

from __future__ import annotations

from tarry_backend.model.step import LISTENING

__all__ = ["delay_until", "marker_delay"]

_MARGIN = 500


def delay_until(due: int, moment: int, step_kind: str) -> int:
    """Seconds from ``moment`` to ``due`` (both Unix milliseconds).

    The deadline of what listens for events is brought up to a second early, since its marker still follows it;
    anything else is brought up to a second late.
    """
    return (due - moment) // 1000 if step_kind in LISTENING else -(-(due - moment) // 1000)


def marker_delay(deadline: int, moment: int) -> int:
    """Seconds by which a marker is delayed: it comes out half a second to one and a half after the deadline.

    Events that were received just before the deadline are in the queue by then, and the answer is still there
    within two seconds.
    """
    return max(1, -(-(deadline - moment + _MARGIN) // 1000))
