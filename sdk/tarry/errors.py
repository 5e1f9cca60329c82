"""The errors that Tarry raises.

Each is a name of ``tarry`` itself.

    TarryError
    ├── NonRetriableError      raise it in a step: Tarry makes no further attempt
    │   ├── EventDataError     an event's data do not fit the type that you asked for; you may catch it
    │   ├── StepDataError      what a step gives does not fit the type that your code asks for
    │   └── UsageError         a call that can never work; it fails its run at once
    │       ├── DurationError  a timeout, lookback or sleep that is not a valid duration
    │       ├── ExpressionError an expression that does not compile, or is not boolean
    │       ├── EventError     an event that the bus does not accept
    │       ├── OutputError    an output that is not JSON
    │       ├── LimitError     something is larger or more numerous than allowed
    │       ├── StepCallError  a step call where no step may be called
    │       └── ReplayError    the function's steps no longer fit its run's stored steps
    ├── RetryAfterError        raise it in a step: Tarry makes the next attempt at that time
    ├── MiddlewareError        a middleware hook raised an error
    ├── StepError              a step failed for good; you may catch it
    ├── StepTimeoutError       an attempt of a step took longer than its timeout
    ├── StepInterruptedError   a step that runs at most once was cut off
    ├── SendError              the bus refused some events
    └── SignalError            a signal could not be delivered now; try again under the same id
    Suspended (BaseException)  the run pauses here; ``except Exception`` does not catch it
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import full_name, message_of, name_of
from tarry._engine.retry_after import moment_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    "StepDataError",
    "StepError",
    "Suspended",
    "TarryError",
    "UsageError",
]


class TarryError(Exception):
    """The base class of Tarry's errors."""


class NonRetriableError(TarryError):
    """Raise it in a step or function: another attempt would fail as well, so Tarry makes none.

    An exception group that holds one, such as that of a ``TaskGroup``, also ends the attempts.

    Args:
        quiet: The failure is expected. If it fails the run, Tarry logs it as information, not as an error.
    """

    quiet: bool = False

    def __init__(self, *args: object, quiet: bool | None = False) -> None:
        super().__init__(*args)
        self.quiet = bool(quiet)


class EventDataError(NonRetriableError, ValueError):
    """An event's data do not fit the type that a trigger or a wait asks for.

    At a trigger, it fails the run before Tarry calls the function. At a wait, the function may catch it. The event has
    then ended the wait; each replay raises the same error.

    Attributes:
        event_name: The event's name.
        event_id: The event's id.
        problems: Pairs of a place in the event, such as ``data.items[0].sku``, and what is wrong there.
    """

    def __init__(self, event_name: str, event_id: str, type_name: str, problems: Sequence[tuple[str, str]]) -> None:
        self.event_name = event_name
        self.event_id = event_id
        self.problems = tuple(problems)
        super().__init__(f"event {event_name!r} ({event_id}) does not fit type {type_name}: {_named(self.problems)}")


class StepDataError(NonRetriableError, ValueError):
    """What a step gives does not fit the type that your code asks for.

    The type is the handler's return annotation, ``output_type`` or, for a signal, ``type``. Such an output fails the
    run, whatever your code catches. The data of a signal come from elsewhere: the function may catch the wait's error.

    Attributes:
        step_id: The step's id.
        problems: Pairs of a place in the value, such as ``output.items[0].sku``, and what is wrong there.
    """

    def __init__(self, step_id: str, type_name: str, problems: Sequence[tuple[str, str]]) -> None:
        self.step_id = step_id
        self.problems = tuple(problems)
        super().__init__(f"step {step_id!r}: what it gives does not fit type {type_name}: {_named(self.problems)}")


class UsageError(NonRetriableError):
    """A call of the SDK that can never work as written."""


class DurationError(UsageError, ValueError):
    """A timeout, lookback or sleep that is not a valid duration, or is longer than 366 days."""


class ExpressionError(UsageError, ValueError):
    """A CEL expression that cannot be used, with the place of the problem.

    Attributes:
        expression: The expression as written.
        problem: What is wrong.
        position: The place of the problem, in characters from 0, or ``None``.
        owner: Whose expression it is, such as a function's trigger, with the file and line; ``""`` if unknown.
    """

    def __init__(self, expression: str, problem: str, position: int | None = None, owner: str = "") -> None:
        self.expression = expression
        self.problem = problem
        self.position = position
        self.owner = owner
        at = "" if position is None else f" at position {position}"
        super().__init__(f"{owner and f'{owner}: '}expression {expression!r}{at}: {problem}")


class EventError(UsageError, ValueError):
    """An event whose name, data or size the bus does not accept."""


class OutputError(UsageError, TypeError):
    """A step's or function's output is not JSON."""


class LimitError(UsageError):
    """A value exceeds a documented limit; the message names the limit."""


class StepCallError(UsageError, RuntimeError):
    """A step was called where it cannot be, or was called and not awaited; the message names the line.

    It cannot be called inside a step, from a foreign thread, or after its function has ended. The run fails, also if
    your code catches this error.
    """


class ReplayError(UsageError):
    """The function's steps no longer fit the steps that its run has stored."""


class RetryAfterError(TarryError):
    """Raise it in a step or function: Tarry tries again, but not before the given time.

    In an exception group, such as that of a ``TaskGroup``, the latest time of its errors counts.

    Args:
        message: What went wrong.
        after: Seconds from now, the text of a ``Retry-After`` header (seconds or an HTTP date), a ``timedelta``, or an
            aware ``datetime``. More than 366 days ahead counts as 366 days.

    Raises:
        DurationError: ``after`` is none of these, is a ``datetime`` without a time zone, or is a number that can only
            be a Unix time.
    """

    def __init__(self, message: str, after: float | str | timedelta | datetime) -> None:
        super().__init__(message)
        try:
            self.after = moment_of(after)
        except ValueError as error:
            raise DurationError(f"RetryAfterError: after={error}") from None

    def delay(self, now: int) -> int:
        """Milliseconds from ``now`` (Unix milliseconds) to the next attempt, at least 0."""
        if isinstance(self.after, datetime):
            return max(0, round(self.after.timestamp() * 1000) - now)
        seconds = self.after.total_seconds() if isinstance(self.after, timedelta) else self.after
        return max(0, round(seconds * 1000))


class MiddlewareError(TarryError):
    """A middleware hook raised an error, which is ``__cause__``.

    The error fails the attempt of the step or function that the hook surrounds. Tarry retries that attempt.

    Attributes:
        where: The hook's class and name, such as ``Encrypted.transform_output``.
    """

    def __init__(self, where: str, cause: Exception) -> None:
        super().__init__(f"middleware {where} raised {name_of(cause)}: {message_of(cause)}")
        self.where = where


class StepError(TarryError):
    """A step failed for good: it used up its attempts, or it raised ``NonRetriableError``.

    Catch it to let the run go on without the step.

    Attributes:
        step_id: The id.
        name: The class name of the last error that the step's body raised.
        message: That error's message.
        stack: That error's stack trace.
        kinds: The full names of its class and base classes, such as ``shop.PaymentDeclined``.
        quiet: Whether it was a quiet ``NonRetriableError``.
    """

    kinds: tuple[str, ...] = ()
    quiet: bool = False

    def __init__(self, step_id: str, name: str, message: str, stack: str = "", kinds: Sequence[str] = ()) -> None:
        super().__init__(f"step {step_id!r} failed: {name}: {message}")
        self.step_id = step_id
        self.name = name
        self.message = message
        self.stack = stack
        self.kinds = tuple(kinds)

    def is_a(self, kind: type[BaseException]) -> bool:
        """Whether the step's last error was of this class, known by its module and name, or of one derived from it."""
        is_named = full_name(kind) in self.kinds if self.kinds else kind.__name__ == self.name
        return is_named or kind in (BaseException, Exception)


class SendError(TarryError):
    """Some events did not reach the bus, or perhaps did not, also after retries.

    To try again, send ``left``: these events have the ids that they had before. So an event that the bus accepted
    after all, and one that is sent twice, counts once.

    Attributes:
        failed: For each event that was refused or not tried, its id and the reason. The bus does not have it.
        unknown: For each event whose request was not answered, its id and the reason. The bus may have it.
        accepted: The ids of the events that the bus accepted.
        left: The events (``Event``) of ``failed`` and ``unknown``, with their ids.
    """

    def __init__(
        self,
        failed: Sequence[tuple[str, str]],
        total: int,
        *,
        unknown: Sequence[tuple[str, str]] = (),
        accepted: Sequence[str] = (),
        left: Mapping[int, Any] = MappingProxyType({}),
    ) -> None:
        self.failed = tuple(failed)
        self.unknown = tuple(unknown)
        self.accepted = tuple(accepted)
        self.left: tuple[Any, ...] = tuple(left.values())  # ``Event``; its module needs this one
        self._places = tuple(left)
        problems = [
            f"the bus {what} {len(events)} of {total} events: {_named(events)}"
            for what, events in (("refused", self.failed), ("may not have", self.unknown))
            if events
        ]
        went = f"; it accepted {', '.join(self.accepted)}" if self.unknown and self.accepted else ""
        super().__init__("; ".join(problems) + went)

    def placed(self) -> list[tuple[int, Any]]:
        """The events of ``left``, each with its place among those that were to be sent."""
        return list(zip(self._places, self.left, strict=True))


class SignalError(TarryError):
    """A signal could not be delivered now. Send it again, under the same id.

    Too many senders and waits used its name at the same time, AWS throttled the signals Lambda, or that Lambda failed.
    The message says which, and whether the signal may have arrived.
    """


class Suspended(BaseException):
    """The run pauses here and resumes later, from its stored steps.

    You see this because something caught it: a bare ``except:`` or ``except BaseException:`` around a
    step. Write ``except Exception:`` instead, or raise it again. The run is suspended in any case.
    """


def _named(problems: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{what}: {problem}" for what, problem in problems)
