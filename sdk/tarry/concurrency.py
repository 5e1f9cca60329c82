"""Limits on how many runs are at work at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tarry._engine.whole_number import is_whole
from tarry.errors import UsageError

__all__ = ["MAX_CONCURRENCIES", "MAX_LIMIT", "Concurrency"]

MAX_CONCURRENCIES = 2
"""The most limits of one function."""

MAX_LIMIT = 1_000
"""The largest limit. DynamoDB stores the runs that hold a place in one item, and bills by its size."""

_SCOPES = ("fn", "app")
_HOLDS = ("work", "run")


@dataclass(frozen=True, slots=True)
class Concurrency:
    """A limit on how many runs are at work at a time. Further runs wait in the order of their starting events.

    A run is at work while Tarry executes its function: from a message that brings it on until it rests. A run that
    waits for an event, sleeps, or pauses before a retry is not at work. When it goes on, it needs a place again, and is
    ahead of all runs whose starting event came later.

    A waiting run costs nothing while it waits. Its waits still receive their events, and its deadlines still hold.

    Attributes:
        limit: How many runs, 1 to 1,000.
        key: CEL over ``event``, the event that started the run, such as ``event.data.customerId``. Each value has the
            limit for itself. Values are equal as in expressions: 1 equals 1.0, but not ``"1"``. Runs for whose event
            the expression has no value share one limit, and Tarry counts a match error.
        scope: ``fn`` counts the runs of this function. ``app`` counts the runs of all functions of the app that have
            the same limit: the same ``key``, ``limit`` and ``hold``.
        hold: ``work`` counts runs at work. ``run`` counts runs from their first step to their end, also while they
            wait, sleep or pause.

    Raises:
        UsageError: An argument is not valid. The error says which values are.
    """

    limit: int
    key: str | None = None
    scope: Literal["fn", "app"] = "fn"
    hold: Literal["work", "run"] = "work"

    def __post_init__(self) -> None:
        if not is_whole(self.limit, 1, MAX_LIMIT):
            hint = "; to stop a function for a while, use tarry pause" if self.limit == 0 else ""
            raise UsageError(f"concurrency: limit is {self.limit!r}; give a whole number from 1 to {MAX_LIMIT:,}{hint}")
        if not _is_key(self.key):
            raise UsageError(
                f"concurrency: key is {self.key!r}; give an expression, such as 'event.data.customerId',"
                " or leave it out"
            )
        if self.scope not in _SCOPES:
            raise UsageError(f"concurrency: scope is {self.scope!r}; {_refused_scope(self.scope)}")
        if self.hold not in _HOLDS:
            raise UsageError(f"concurrency: hold is {self.hold!r}; give 'work' or 'run'")

    @property
    def counts_alike(self) -> tuple[str, str | None]:
        """What two limits have in common that count the same: their scope and key."""
        return self.scope, None if self.key is None else self.key.strip()


def _is_key(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()))


def _refused_scope(scope: object) -> str:
    if scope in ("env", "account"):
        return "a stack of Tarry is one app in one environment, so give 'app' to count the runs of all its functions"
    return "give 'fn' or 'app'"
