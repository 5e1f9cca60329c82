"""Everything Tarry raises.

Each of these is a name of ``tarry`` itself.

    TarryError
    ├── NonRetriableError      raise it in a step: no further attempt is made
    │   ├── EventDataError     an event's data is not of the type that it was asked for as; user code may catch it
    │   └── UsageError         the function asks for something that cannot be; its run fails at once
    │       ├── DurationError  a timeout, lookback or sleep that is none
    │       ├── ExpressionError an expression that cannot be compiled or is not boolean
    │       ├── EventError     an event that no bus would carry
    │       ├── OutputError    an output that is not JSON
    │       ├── LimitError     something is larger or more numerous than allowed
    │       ├── StepCallError  a step called where no step can be called
    │       └── ReplayError    the function's steps no longer fit those that its run has kept
    ├── RetryAfterError        raise it in a step: the next attempt is made at that time
    ├── MiddlewareError        a hook of a middleware has raised
    ├── StepError              a step has failed for good; user code may catch it
    ├── SendError              some events were refused by the bus
    └── SignalError            a signal could not be sent, or waited for, for the many that do
    Suspended (BaseException)  the run pauses here; never caught by ``except Exception``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING

from tarry._engine.raised import message_of, name_of, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DurationError",
    "EventDataError",
    "EventError",
    "ExpressionError",
    "LimitError",
    "MiddlewareError",
    "NonRetriableError",
    "OutputError",
    "ReplayError",
    "RetryAfterError",
    "SendError",
    "SignalError",
    "StepCallError",
    "StepError",
    "Suspended",
    "TarryError",
    "UsageError",
]


class TarryError(Exception):
    """The base of every error of Tarry's own."""


class NonRetriableError(TarryError):
    """Raised by user code: another attempt would fail as well, so none is made.

    An exception group that holds one, such as a ``TaskGroup`` raises, ends the attempts as well.
    """


class EventDataError(NonRetriableError, ValueError):
    """An event's data is not of the type that a trigger or a wait asks for.

    At a trigger it fails the run before the function is called. At a wait it is raised in the function, which may catch
    it: the event has ended the wait, and is the same at each replay. ``problems`` holds, for each place in the event at
    which something is wrong (``data.items[0].sku``), that place and what it is.
    """

    def __init__(self, event_name: str, event_id: str, type_name: str, problems: Sequence[tuple[str, str]]) -> None:
        self.event_name = event_name
        self.event_id = event_id
        self.problems = tuple(problems)
        named = "; ".join(f"{place}: {problem}" for place, problem in self.problems)
        super().__init__(f"event {event_name!r} ({event_id}) is no {type_name}: {named}")


class UsageError(NonRetriableError):
    """The function, or a call of the SDK, asks for something that cannot be."""


class DurationError(UsageError, ValueError):
    """A timeout, lookback or sleep that cannot be read, or is longer than 366 days."""


class ExpressionError(UsageError, ValueError):
    """A CEL expression that cannot be used, with the place at which it goes wrong.

    ``position`` counts characters from 0.
    """

    def __init__(self, expression: str, problem: str, position: int | None = None) -> None:
        self.expression = expression
        self.problem = problem
        self.position = position
        at = "" if position is None else f" at position {position}"
        super().__init__(f"expression {expression!r}{at}: {problem}")


class EventError(UsageError, ValueError):
    """An event whose name, data or size the bus does not take."""


class OutputError(UsageError, TypeError):
    """A step's or function's output is not JSON."""


class LimitError(UsageError):
    """A documented limit is passed; the message names it."""


class StepCallError(UsageError, RuntimeError):
    """A step was called inside a step, from a foreign thread, or after its function had returned.

    The run fails, also if your code catches this.
    """


class ReplayError(UsageError):
    """The steps that the function asks for no longer fit the steps that its run has kept."""


class RetryAfterError(TarryError):
    """Raised by user code in a step: try again, but not before the given time.

    ``after`` is a number of seconds, a ``timedelta`` or an aware ``datetime``; at most 366 days ahead. In an exception
    group, such as a ``TaskGroup`` raises, the latest time of its errors counts.
    """

    def __init__(self, message: str, after: float | timedelta | datetime) -> None:
        super().__init__(message)
        if isinstance(after, datetime) and after.tzinfo is None:
            raise DurationError(f"RetryAfterError needs an aware datetime, not {shown(after)}: give it a tzinfo")
        if not isinstance(after, datetime | timedelta) and not _is_number(after):
            raise DurationError(f"RetryAfterError takes seconds, a timedelta or a datetime, not {shown(after)}")
        self.after = after

    def delay(self, now: int) -> int:
        """Milliseconds from ``now`` (Unix milliseconds) to the next attempt, at least 0."""
        if isinstance(self.after, datetime):
            return max(0, round(self.after.timestamp() * 1000) - now)
        seconds = self.after.total_seconds() if isinstance(self.after, timedelta) else self.after
        return max(0, round(seconds * 1000))


class MiddlewareError(TarryError):
    """A hook of a middleware has raised ``__cause__``; ``where`` is its class and name: ``Encrypted.transform_output``.

    It fails the attempt of the step, or of the function, that the hook is around, and that is tried again.
    """

    def __init__(self, where: str, cause: Exception) -> None:
        super().__init__(f"middleware {where} raised {name_of(cause)}: {message_of(cause)}")
        self.where = where


class StepError(TarryError):
    """A step has failed for good: its attempts are used up, or it raised ``NonRetriableError``.

    ``step_id`` names it; ``name``, ``message`` and ``stack`` are those of the error that its body raised
    last. Catch it to let the run go on without the step.
    """

    def __init__(self, step_id: str, name: str, message: str, stack: str = "") -> None:
        super().__init__(f"step {step_id!r} failed: {name}: {message}")
        self.step_id = step_id
        self.name = name
        self.message = message
        self.stack = stack


class SendError(TarryError):
    """Some events did not go, although they were tried again. The others did.

    ``failed`` holds, for each refused event, its id and the reason the bus gave.
    """

    def __init__(self, failed: Sequence[tuple[str, str]], total: int) -> None:
        self.failed = tuple(failed)
        named = "; ".join(f"{event_id}: {reason}" for event_id, reason in self.failed)
        super().__init__(f"{len(self.failed)} of {total} events were refused by the bus: {named}")


class SignalError(TarryError):
    """So many send a signal of one name, or wait for it, at the same time, that this one did not come through.

    It has not been sent; send it again.
    """


class Suspended(BaseException):
    """The run pauses here and goes on later, from its kept steps.

    You see this because something caught it: a bare ``except:`` or ``except BaseException:`` around a
    step. Write ``except Exception:`` instead, or raise it again. The run is suspended all the same.
    """


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value)
