"""``tarry cancel --function``: the runs of a function, or some of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import typer

from tarry_backend.clock import now
from tarry_backend.matching import MatchError, check_trigger, trigger_holds
from tarry_backend.model.run import RunStatus
from tarry_dev.cli.errors import CommandError, no_function
from tarry_dev.cli.progress import counted
from tarry_dev.cli.screen import note, print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_dev.cli.connection import Connection

__all__ = ["Choice", "cancel_runs"]

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """The selected runs of a function.

    They began in ``[since, until]`` (Unix milliseconds), and the ``expression`` is true for their event.
    """

    function: str
    since: int
    until: int
    expression: str | None

    @classmethod
    def read(cls, function: str, since: str | None, until: str | None, expression: str | None) -> Choice:
        """Parse the command's options; raise ``CommandError`` or ``ExpressionError`` if one is wrong."""
        if expression is not None:
            check_trigger(expression)
        choice = cls(function, read_moment(since, 0), read_moment(until, now()), expression)
        if choice.since > choice.until:
            raise CommandError(f"--since {since} is later than --until {until or 'now'}: no run began in between")
        return choice


def cancel_runs(choice: Choice, stack: str | None, *, sure: bool, dry_run: bool, as_json: bool) -> None:
    """Cancel the selected runs, after their number is shown and the person confirms."""
    if as_json and not sure and not dry_run:
        raise CommandError("--json cannot ask for confirmation: give --yes or --dry-run too")
    with connect(stack) as tarry:
        ids = list(counted(_chosen(choice, tarry), "found"))
        _check_function(choice.function, ids, tarry)
        what = f"{len(ids):,} running {'run' if len(ids) == 1 else 'runs'} of {choice.function}"
        if ids and not dry_run:
            if not sure:
                _ask(what)
            _stop(ids, tarry)
    if as_json:
        print_json({"function": choice.function, "runs": ids, "cancelled": 0 if dry_run else len(ids)})
    elif dry_run or not ids:
        screen().print(f"{what}{' would be cancelled' if ids else ': there is nothing to cancel'}")
    else:
        screen().print(f"{what} will be cancelled: at once, or when the step that each executes now has ended")


def _chosen(choice: Choice, tarry: Connection) -> Iterable[str]:
    """Return the selected runs. The index may lag by a second: the executor ignores runs that have ended."""
    ids = tarry.lookups.running(choice.function, choice.since, choice.until)
    return ids if choice.expression is None else _fitting(ids, choice.expression, tarry)


def _fitting(ids: Iterable[str], expression: str, tarry: Connection) -> Iterator[str]:
    unclear = 0
    for run_id in ids:
        run = tarry.lookups.run(run_id)
        if run is None or run.status is not RunStatus.RUNNING:
            continue
        try:
            if trigger_holds(expression, run.event, run.received_at):
                yield run_id
        except MatchError:
            unclear += 1
    if unclear:
        note(
            f"{unclear:,} runs are left out: their event lacks a field of the expression, or the field has another type"
        )


def _stop(ids: list[str], tarry: Connection) -> None:
    remaining = counted(ids, "cancelled")
    while some := list(islice(remaining, _AT_ONCE)):
        tarry.lookups.cancel(some)


def _check_function(function: str, ids: list[str], tarry: Connection) -> None:
    if not ids and function not in tarry.functions:
        raise no_function(function, tarry.functions)


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            f"nothing was cancelled: {what} would be, but there is no terminal to confirm it; give --yes"
        )
    if not typer.confirm(f"cancel {what}?", err=True):
        raise CommandError("nothing was cancelled")
