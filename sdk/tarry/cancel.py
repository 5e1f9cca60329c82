"""What ends a function's runs from outside: events that cancel them, and the time that they have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry.errors import DurationError, UsageError
from tarry.event import Event, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry.durations import Duration

__all__ = ["CANCEL_RUN", "MAX_CANCELS", "RUN_ID", "Cancel", "Timeouts", "cancellations"]

MAX_CANCELS = 5
"""The most events that may cancel the runs of one function."""

CANCEL_RUN = "tarry/run.cancel"
"""The event by which an app asks for one of its runs to be cancelled."""

RUN_ID = "run_id"
"""In its data: which."""

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@dataclass(frozen=True, slots=True)
class Cancel:
    """An event named ``event`` that matches cancels the run: a step that is executing ends, nothing after it begins.

    ``if_exp`` is CEL over ``event`` (which started the run) and ``async`` (the incoming one), and
    ``match="data.orderId"`` short for the same value at that path on both sides, as in ``step.wait_for_event``.
    With neither, every event of that name cancels every run of the function. Events count from the one that started
    the run on, which itself cancels nothing; for ``timeout`` after the run's start (a ``timedelta``, ``"1h30m"``,
    milliseconds; at most 366 days), or without one as long as the run lives.

    Raises ``UsageError`` where it is written for what can be seen there; an expression that cannot be compiled, or
    that uses a field which the trigger lacks, fails the run as it starts.
    """

    event: str
    if_exp: str | None = None
    match: str | None = None
    timeout: Duration | None = None

    def __post_init__(self) -> None:
        check_name(self.event)
        if self.if_exp is not None and self.match is not None:
            raise UsageError(f"cancel on {self.event!r}: give if_exp or match, not both")
        for name in ("if_exp", "match"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise UsageError(
                    f"cancel on {self.event!r}: {name} is a text, not {value!r}; leave it out to match all"
                )
        _check(f"cancel on {self.event!r}: timeout", self.timeout)

    @property
    def takes_all(self) -> bool:
        """Whether each event of the name cancels every run of the function."""
        return self.if_exp is None and self.match is None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The time that a function's runs have (``timedelta``, ``"1h30m"``, milliseconds; at most 366 days each).

    ``start``: a run that has not begun so long after its event was received (or after the event's ``ts``, if that is
    later) is cancelled as it starts; its function is not called. ``finish``: a run that has not ended so long after
    its start is cancelled, between two steps. Without them a run has all the time it takes.
    """

    start: Duration | None = None
    finish: Duration | None = None

    def __post_init__(self) -> None:
        _check("timeouts: start", self.start)
        _check("timeouts: finish", self.finish)


def cancellations(run_ids: Iterable[str]) -> list[Event]:
    """The events that ask for these runs to be cancelled; ``UsageError`` for what can be no run's id."""
    wanted: list[object] = list(run_ids)
    for run_id in wanted:
        if not isinstance(run_id, str) or not _ULID.fullmatch(run_id):
            raise UsageError(f"{run_id!r} is no run's id: those have 26 characters, and ctx.run_id is one")
    return [Event(CANCEL_RUN, {RUN_ID: run_id}) for run_id in wanted]


def _check(what: str, value: Duration | None) -> None:
    if value is None:
        return
    try:
        span = milliseconds(value)
    except DurationError as error:
        raise DurationError(f"{what}: {error}") from None
    if span <= 0:
        raise DurationError(f"{what}={value!r} has passed when it begins: give a time above zero, or leave it out")
