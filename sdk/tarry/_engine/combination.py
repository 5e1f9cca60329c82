"""The options of a function that do not go together, each with the reason.

Every other pair is lawful. ``docs/reference/flow-control.md`` says what each pair means, and a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry._engine.place import place_of_call
from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEEDED", "OPTIONS", "REFUSED", "check_combination"]

OPTIONS = (
    "cron",
    "cancel",
    "timeouts",
    "idempotency",
    "concurrency",
    "rate_limit",
    "singleton",
    "throttle",
    "priority",
    "debounce",
    "batch_events",
)
"""The options whose pairs are defined, as ``create_function`` names them; ``cron`` is a trigger."""

REFUSED: Mapping[tuple[str, str], str] = {
    ("idempotency", "batch_events"): "a batch has several events, and several values; each event is in one batch once",
    ("rate_limit", "batch_events"): "a rate limit counts events that start a run, and a batch starts one with many",
    ("singleton", "batch_events"): "whether a singleton is free is asked for one event, and a batch has several",
    ("debounce", "batch_events"): "a debounce starts a run with the latest event, a batch with all of them",
    ("priority", "batch_events"): "a priority is asked of one event, and a batch has several",
    ("throttle", "priority"): (
        "a throttle gives a run its time when it comes, so none overtakes another; leave one of the two out"
    ),
}
"""Why two options are refused together, in the order of ``OPTIONS``."""

NEEDED: Mapping[tuple[str, str], str] = {
    ("priority", "concurrency"): (
        "without a limit no run waits, so none can go on before another; give concurrency=..., or leave it out"
    ),
}
"""Why the first option is refused without the second."""


def check_combination(fn_id: str, given: Mapping[str, Any]) -> None:
    """Check that the options go together.

    Args:
        fn_id: The function's id.
        given: The options by their names; one that is false or empty is not used.

    Raises:
        UsageError: Two of them do not, or one lacks another. The error says why, and where the function is created.
    """
    used = {name for name, value in given.items() if value}
    for (first, second), reason in REFUSED.items():
        if {first, second} <= used:
            raise UsageError(f"function {fn_id!r}{place_of_call()}: {first} and {second} do not go together: {reason}")
    for (option, needed), reason in NEEDED.items():
        if option in used and needed not in used:
            raise UsageError(f"function {fn_id!r}{place_of_call()}: {option} needs {needed}: {reason}")
