"""Lambdas that die, once, at one of their calls to AWS."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tarry_dev.cloud import Call

__all__ = ["READS", "Death", "Mortal", "deaths"]

READS = {"GetItem", "Query", "GetObject"}
"""The calls after which nothing is as it was not before."""


@dataclass(frozen=True)
class Death:
    """At which call of a function, counted from 1 over its whole life: before it is sent, or once it is answered.

    An orderly one is an error that the Lambda gets instead of the answer, and can handle.
    """

    function: str
    call: int
    answered: bool
    operation: str
    orderly: bool = False

    def __str__(self) -> str:
        return f"{'after' if self.answered else 'before'} call {self.call} of the {self.function}, {self.operation}"


class Mortal:
    """Has a function die so, once, if it is to: for ``Cloud.dies``. ``calls`` are those that it has begun, by their
    operations, over its whole life."""

    def __init__(self, function: str, death: Death | None = None) -> None:
        self.function = function
        self.calls: list[str] = []
        self._death = death

    def __call__(self, call: Call) -> bool:
        if call.function != self.function:
            return False
        self.calls += [] if call.answered else [call.operation]
        death = self._death
        if death is None or (len(self.calls), call.answered) != (death.call, death.answered):
            return False
        self._death = None
        return True

    @property
    def has_died(self) -> bool:
        """Whether its time has come."""
        return self._death is None


def deaths(function: str, calls: Sequence[str]) -> Iterator[Death]:
    """Before the first of these calls, and right after each that changes anything.

    Between the end of a change and the sending of the next call, whatever is read in between, nothing happens but in
    the Lambda's own memory, which dies with it::

        change k ──┤ ── read ── … ── ├── change k+1
                dies here    … or here: the same

    It is not the same where a body runs in between whose executions are counted: there a death before the next call is
    one of its own (see ``plays``).
    """
    if calls:
        yield Death(function, 1, answered=False, operation=calls[0])
    for number, operation in enumerate(calls, start=1):
        if operation not in READS:
            yield Death(function, number, answered=True, operation=operation)
