"""The options of one step, as ``step.with_options`` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from tarry._engine.whole_number import is_whole
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry.function import MAX_RETRIES, Retries

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["MAX_TIMEOUT", "NO_OPTIONS", "StepOptions"]

MAX_TIMEOUT = 15 * 60_000
"""The longest timeout of a step, in milliseconds: no Lambda runs longer."""


@dataclass(frozen=True, slots=True)
class StepOptions:
    """The options of one step. ``None`` leaves an option as it is.

    Attributes:
        retries: How often a failing step is retried.
        backoff: The pauses before the retries.
        timeout: How long an attempt may take.
        at_most_once: Whether an attempt that was cut off is never repeated.

    Raises:
        UsageError: An option is not valid.
    """

    retries: int | None = None
    backoff: Sequence[Duration] | None = None
    timeout: Duration | None = None
    at_most_once: bool | None = None

    def __post_init__(self) -> None:
        if self.retries is not None and not is_whole(self.retries, 0, MAX_RETRIES):
            raise UsageError(f"with_options: retries={self.retries!r}: give a whole number from 0 to {MAX_RETRIES}")
        if self.at_most_once is not None and type(self.at_most_once) is not bool:
            raise UsageError(f"with_options: at_most_once={self.at_most_once!r}: give True or False")
        if self.timeout is not None and not 0 < milliseconds(self.timeout) <= MAX_TIMEOUT:
            raise UsageError(
                f"with_options: timeout={self.timeout!r}: give more than 0, and at most 15 minutes: no Lambda runs "
                "longer. A wait for something longer is step.wait_for_event, or step.sleep"
            )
        if self.backoff is not None:
            if isinstance(self.backoff, str | bytes) or not isinstance(
                self.backoff, Sequence
            ):  # "15s" is a sequence, too
                raise UsageError(f"with_options: backoff={self.backoff!r}: give a list of pauses, such as ['15s']")
            Retries(0, tuple(self.backoff))

    @property
    def timeout_ms(self) -> int | None:
        """How long an attempt may take, in milliseconds; ``None`` without a limit."""
        return None if self.timeout is None else milliseconds(self.timeout)

    def given(self) -> list[str]:
        """Return the names of the options that are given."""
        return [each.name for each in fields(self) if getattr(self, each.name) is not None]

    def then(self, later: StepOptions) -> StepOptions:
        """Return these options with those of a later ``with_options``, which override them."""
        changes: dict[str, Any] = {name: getattr(later, name) for name in later.given()}
        return replace(self, **changes)

    def retries_of(self, function: Retries) -> Retries:
        """Return the retries of the step, in a function with these retries.

        A step that runs at most once has none, unless it has its own.
        """
        if self is NO_OPTIONS:
            return function
        limit = self.retries
        if limit is None:
            limit = 0 if self.at_most_once else function.limit
        return Retries(limit, function.backoff if self.backoff is None else tuple(self.backoff))


NO_OPTIONS = StepOptions()
"""The options of a step that has none of its own."""
