"""How a replay ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tarry._wire.jsonvalues import encode
from tarry.errors import LimitError, NonRetriableError, RetryAfterError, StepError
from tarry_backend.model.step import Failure

__all__ = ["Failed", "Finished", "Outcome", "Paused", "of_error", "of_output"]

MAX_OUTPUT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """The function returned. ``output`` is JSON text."""

    output: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised. ``final``: no attempt could help. ``retry``: the error, if it says when to try again.

    ``cause`` is the error itself.
    """

    error: Failure
    final: bool
    retry: RetryAfterError | None = None
    cause: BaseException | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Paused:
    """All that is open waits. ``out_of_time``: a step was not begun, since the invocation nears its end."""

    out_of_time: bool = False


Outcome = Finished | Failed | Paused


def of_output(value: object) -> Outcome:
    """The function returned ``value``."""
    try:
        output = encode(value, "the function's output")
    except Exception as error:  # a model's own code, too
        return of_error(error)
    if len(output) > MAX_OUTPUT:
        return of_error(LimitError(f"the function's output has {len(output):,} characters; at most {MAX_OUTPUT:,}"))
    return Finished(output)


def of_error(error: BaseException, step_key: str | None = None) -> Failed:
    """The function raised ``error``, or asked for a step that cannot be."""
    failure = Failure.of(error)
    if step_key is not None:
        failure = replace(failure, message=f"step {step_key!r}: {failure.message}")
    return Failed(failure, _is_final(error), error if isinstance(error, RetryAfterError) else None, error)


def _is_final(error: BaseException) -> bool:
    """A step that has failed for good has had its attempts; a group of errors is final if any of its is."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_final(inner) for inner in error.exceptions)
    return isinstance(error, NonRetriableError | StepError)
