"""The runs that a command for many runs chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from tarry._wire.jsonvalues import decode
from tarry_backend.clock import now
from tarry_backend.matching import MatchError, check_run_filter, run_fits
from tarry_backend.model.run import RunStatus
from tarry_dev.cli.errors import CommandError, no_function
from tarry_dev.cli.screen import note
from tarry_dev.cli.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.model.run import Run
    from tarry_dev.cli.connection import Connection

__all__ = ["FAILED", "RunSelection", "statuses_of"]

FAILED = (RunStatus.FAILED,)


_READ = 100
"""How many runs are read at once."""


@dataclass(frozen=True, slots=True)
class RunSelection:
    """The runs of a function that have a status, began in ``[since, until]`` (Unix milliseconds), and fit.

    A run fits if its error's name or message contains ``error``, and if ``expression`` is true for its event and
    output.
    """

    function: str
    statuses: tuple[RunStatus, ...]
    since: int
    until: int
    error: str | None = None
    expression: str | None = None

    @classmethod
    def read(cls, function: str, statuses: tuple[RunStatus, ...], **options: str | None) -> RunSelection:
        """Parse the command's options; raise ``CommandError`` or ``ExpressionError`` if one is wrong."""
        since, until, expression = options.get("since"), options.get("until"), options.get("expression")
        if expression is not None:
            check_run_filter(expression)
        moments = read_moment(since, 0), read_moment(until, now())
        if moments[0] > moments[1]:
            raise CommandError(f"--since {since} is later than --until {until or 'now'}: no run began in between")
        return cls(function, statuses, *moments, options.get("error"), expression)

    @property
    def named(self) -> str:
        """The chosen kind of runs, for people: ``failed``."""
        return " or ".join(self.statuses)

    def up_to(self, moment: int) -> RunSelection:
        """Return the selection without the runs that began later."""
        return replace(self, until=min(self.until, moment))

    def runs(self, tarry: Connection) -> Iterator[Run]:
        """Yield the chosen runs, the first one first. The index may lag by a second: a run is read as it is."""
        ids = tarry.lookups.started(self.function, self.statuses, self.since, self.until)
        if not ids and self.function not in tarry.functions:
            raise no_function(self.function, tarry.functions)
        unclear, left = 0, iter(ids)
        while some := list(islice(left, _READ)):
            for run in tarry.lookups.some_runs(some):
                try:
                    if self._takes(run):
                        yield run
                except MatchError:
                    unclear += 1
        if unclear:
            note(
                f"{unclear:,} runs are left out: their event or output lacks a field of the expression, or the field "
                "has another type"
            )

    def _takes(self, run: Run) -> bool:
        if run.status not in self.statuses:
            return False
        if self.error is not None and (run.error is None or self.error not in f"{run.error.name}: {run.error.message}"):
            return False
        if self.expression is None:
            return True
        output: Any = decode(run.output or "null")
        return run_fits(self.expression, run.event, output, run.received_at)


def statuses_of(name: str) -> tuple[RunStatus, ...]:
    """Return the one status of that name."""
    return (RunStatus(name),)
