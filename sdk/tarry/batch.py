"""A function's batches: it starts with several events at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._engine.flow_checks import check_key
from tarry._engine.whole_number import is_whole
from tarry.debounce import checked_window
from tarry.durations import milliseconds
from tarry.errors import UsageError

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["MAX_BATCH", "MAX_BATCH_BYTES", "Batch"]

MAX_BATCH = 100
"""The most events of one batch."""

MAX_BATCH_BYTES = 10 * 1024 * 1024
"""The most bytes of the events of one batch, as JSON."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Start one run with several events: ``ctx.events``, in the order of their reception. ``ctx.event`` is the first.

    Events of one value of ``key`` form a batch. It starts its run when it has ``max_size`` events, or ``timeout`` after
    the reception of its first event, or when the next event would bring it over 10 MiB. Each event is in one batch,
    once, however often it is delivered.

    The batch itself holds no data, only where each event is in the log. So an event may have any size that Tarry takes.

    Attributes:
        max_size: The most events of a batch, 2 to 100.
        timeout: How long a batch stays open, from one second to 6 days. It ends up to two seconds late.
        key: CEL over ``event``, such as ``event.data.customerId``. Each value has batches of its own. Values are equal
            as in expressions: 1 equals 1.0, but not ``"1"``. An event for which the expression has no value starts a
            run of its own at once, and Tarry counts a match error.
        if_exp: CEL over ``event``. An event for which it is not true starts a run of its own at once.

    Raises:
        UsageError: ``max_size``, ``key`` or ``if_exp`` is not valid.
        DurationError: ``timeout`` is no duration, or out of range.
    """

    max_size: int
    timeout: Duration
    key: str | None = None
    if_exp: str | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.max_size, 2, MAX_BATCH):
            raise UsageError(f"batch_events: max_size is {self.max_size!r}; give a whole number from 2 to {MAX_BATCH}")
        checked_window("batch_events: timeout", self.timeout)
        check_key("batch_events", self.key)
        condition: object = self.if_exp
        if condition is not None and (not isinstance(condition, str) or not condition.strip()):
            raise UsageError(
                f"batch_events: if_exp is {self.if_exp!r}; give an expression, such as 'event.data.bulk == true', or "
                "leave it out"
            )

    @property
    def open_for(self) -> int:
        """How long a batch stays open, in milliseconds."""
        return milliseconds(self.timeout)
