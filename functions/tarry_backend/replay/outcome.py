"""The outcome of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import leaves
from tarry._engine.place import place_of_code
from tarry._wire.jsonvalues import encode
from tarry.durations import MAX_DURATION
from tarry.errors import LimitError, NonRetriableError, ReplayError, RetryAfterError, StepError
from tarry.steperrors import StepInterruptedError
from tarry_backend.model.step import Failure

if TYPE_CHECKING:
    from tarry._engine.outputtype import OutputType
    from tarry._engine.place import Place
    from tarry.event import Event
    from tarry_backend.model.step import Step
    from tarry_backend.replay.branch_past import BranchPast

__all__ = [
    "INSTEAD",
    "MAX_RUN",
    "MAX_STEP",
    "Continued",
    "Failed",
    "Finished",
    "Outcome",
    "OutputSize",
    "Paused",
    "interrupted",
    "is_final",
    "misfit",
    "of_error",
    "of_output",
    "pause",
]

MAX_OUTPUT = 4 * 1024 * 1024

MAX_STEP = 4 * 1024 * 1024
"""The largest output of one step, in bytes of JSON."""

MAX_RUN = 32 * 1024 * 1024
"""The largest outputs of all steps of a run together, in bytes of JSON."""

INSTEAD = ": keep it in a bucket of yours, and return its key"
"""What to do with an output that is too large."""


class OutputSize:
    """The size of the outputs of a run's steps."""

    def __init__(self) -> None:
        self._bytes = 0

    def count(self, step: Step) -> None:
        """Count the output of a stored step."""
        self._bytes += len(step.output or "")

    def checked(self, step: Step, output: str) -> str:
        """Count a step's new output, and return it.

        Raises:
            LimitError: It is too large, or the run's outputs together would be.
        """
        size = len(output.encode("utf-8", "surrogatepass"))
        if size > MAX_STEP:
            raise LimitError(
                f"step {step.key!r}: its output has {size:,} bytes; at most {MAX_STEP:,} are allowed{INSTEAD}"
            )
        if self._bytes + size > MAX_RUN:
            raise LimitError(
                f"step {step.key!r}: the run's outputs would exceed {MAX_RUN:,} bytes, the most allowed{INSTEAD}"
            )
        self._bytes += size
        return output


@dataclass(frozen=True, slots=True)
class Finished:
    """The function returned. ``output`` is JSON text."""

    output: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised. ``final``: no attempt could help. ``cause`` is the error itself.

    ``unkept_since`` is since when a step was under way beside it whose result was not kept (Unix milliseconds): the
    next attempt begins it anew.
    """

    error: Failure
    final: bool
    cause: BaseException | None = field(default=None, compare=False, repr=False)
    unkept_since: int | None = field(default=None, compare=False, repr=False)

    def at(self, place: Place) -> Failed:
        """Return the same failure, whose message names the line of user code that asked for the step."""
        return replace(self, error=replace(self.error, message=f"{self.error.message}{place}"))

    def pause(self, now: int) -> int | None:
        """How long, in milliseconds, until the time that the error names, if it names one."""
        return None if self.cause is None else pause(self.cause, now)


@dataclass(frozen=True, slots=True)
class Paused:
    """All open steps wait. ``out_of_time``: a step did not begin, since the invocation nears its end."""

    out_of_time: bool = False


@dataclass(frozen=True, slots=True)
class Continued:
    """A new run goes on, with this event. ``past`` is what lay behind the branch that asked for it."""

    event: Event
    past: BranchPast


Outcome = Finished | Failed | Paused | Continued


def of_output(value: object, asked: OutputType | None = None, handler: object = None) -> Outcome:
    """Return the outcome of a function that returned ``value``.

    Args:
        value: What it returned.
        asked: The type that it says to return.
        handler: The function itself, which an error names.
    """
    try:
        output = encode(value, "the function's output", written=asked.written if asked else None)
    except BaseException as error:  # also from a model's own code
        return of_error(error).at(place_of_code(handler))
    if len(output) > MAX_OUTPUT:
        problem = f"the function's output has {len(output):,} characters; at most {MAX_OUTPUT:,} are allowed{INSTEAD}"
        return of_error(LimitError(problem)).at(place_of_code(handler))
    return Finished(output)


def of_error(error: BaseException, step_key: str | None = None) -> Failed:
    """Return the outcome of a function that raised ``error``, or asked for an invalid step."""
    failure = Failure.of(error)
    if step_key is not None:
        failure = replace(failure, message=f"step {step_key!r}: {failure.message}")
    return Failed(failure, is_final(error, NonRetriableError, StepError), error)


def is_final(error: BaseException, *kinds: type[Exception]) -> bool:
    """Whether no further attempt could help: the error is of one of the kinds, or one in its groups is."""
    return any(issubclass(type(each), kinds) for each in leaves(error))


def pause(error: BaseException, now: int) -> int | None:
    """How long, in milliseconds, until the time that a ``RetryAfterError`` names; at most 366 days.

    In a group, each of the errors wants its time to have come, so the latest counts. None if no time is named.
    """
    named = [_pause(each, now) for each in leaves(error) if issubclass(type(each), RetryAfterError)]
    return max((span for span in named if span is not None), default=None)


def _pause(retry: Any, now: int) -> int | None:
    """User code may have a class of its own, with another ``delay``, and may have set another ``after``."""
    try:
        return min(max(0, int(retry.delay(now))), MAX_DURATION)
    except BaseException:
        return None


def interrupted(step: Step) -> StepInterruptedError:
    """Return the error of a step that runs at most once, and of which only its beginning is stored."""
    return StepInterruptedError(
        f"step {step.key!r} runs at most once, and was cut off: the executor died, or stopped, after attempt "
        f"{step.attempt + 1} of its body began and before its result was stored. Its effect may have taken place, or "
        "not. Tarry does not run it again: find out where the effect would show, then let your code go on"
    )


def misfit(function_id: str, asked: str, kept: Step) -> Failed:
    """Return the failure of a function that asks for something else than the stored step."""
    return of_error(
        ReplayError(
            f"function {function_id!r} no longer fits its run: the run has stored {kept.kind} step {kept.key!r}, "
            f"but the function asks for {asked}. Restore the step under its id, or start a new run."
        )
    )
