"""What a command does to many runs: a preview, then one run after the other, at a pace, and a receipt.

The command drives it. It knows its runs before it begins, and each of them is dealt with by one conditional write. So
it may be cut off anywhere, and be repeated: with the same bulk's id, no run is dealt with twice. The table holds how
far it has come, for those who look, and whether somebody has asked it to stop.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from tarry.event import new_id
from tarry_backend.clock import now
from tarry_dev.cli.describe import failure
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.progress import counted
from tarry_dev.cli.screen import note, print_json, screen, table
from tarry_dev.cli.target import connect
from tarry_dev.cli.times import Calendar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.model.run import Run
    from tarry_dev.cli.connection import Connection
    from tarry_dev.cli.run_selection import RunSelection

    Act = Callable[[Connection, Run, str], Run | str]

__all__ = ["BulkOptions", "abort_bulk", "run_bulk"]

_SAMPLE = 5
_TOLD = 1.0
"""How many seconds pass between two reports to the table, which also say whether to stop."""

_REASONS = 10


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """How a command goes about its runs. ``bulk_id`` goes on with an earlier bulk; ``rate`` is in runs a second."""

    sure: bool
    dry_run: bool
    as_json: bool
    rate: float
    bulk_id: str | None = None


@dataclass(slots=True)
class _Outcome:
    """What has become of the runs: the ids that each made or was, and why others were left out."""

    done: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    ended: str = "done"


def run_bulk(verb: str, past: str, selection: RunSelection, act: Act, stack: str | None, options: BulkOptions) -> None:
    """Do to the chosen runs what ``act`` does to one; it returns the run that now goes on, or why none does.

    Raises:
        CommandError: The person does not confirm, or nobody can be asked, or the bulk was stopped.
    """
    if options.as_json and not options.sure and not options.dry_run:
        raise CommandError("--json cannot ask for confirmation: give --yes or --dry-run too")
    with connect(stack) as tarry:
        bulk_id = options.bulk_id or new_id()
        earlier = tarry.lookups.bulk(bulk_id) if options.bulk_id else None
        if options.bulk_id and earlier is None:
            raise CommandError(f"there is no bulk {options.bulk_id}: leave --bulk out to begin a new one")
        began = now() if earlier is None else earlier.began
        runs = list(counted(selection.up_to(began).runs(tarry), "found"))
        what = f"{len(runs):,} {selection.named} {'run' if len(runs) == 1 else 'runs'} of {selection.function}"
        if not options.as_json:
            _preview(what, runs)
        if options.dry_run or not runs:
            _say_none(what, past, runs, selection, options)
            return
        if not options.sure:
            _ask(verb, what)
        tarry.lookups.begin_bulk(bulk_id, f"{verb} {selection.function}", len(runs), began)
        if not options.as_json:
            note(f"bulk {bulk_id}: stop it with Ctrl-C, or from elsewhere with tarry {verb} --abort {bulk_id}")
        outcome = _drive(tarry, bulk_id, runs, act, options.rate)
    _report(verb, past, bulk_id, runs, outcome, selection, options)


def abort_bulk(bulk_id: str, stack: str | None) -> None:
    """Ask the command that drives the bulk to stop. It stops within a second or two, between two runs."""
    with connect(stack) as tarry:
        bulk = tarry.lookups.stop_bulk(bulk_id)
    if bulk is None:
        raise CommandError(f"there is no bulk {bulk_id}: the command that began it has named its id")
    if bulk.ended is not None:
        raise CommandError(f"bulk {bulk_id} ({bulk.what}) has ended already: {bulk.ended}")
    screen().print(f"bulk {bulk_id} ({bulk.what}) stops: it has dealt with {bulk.done:,} of {bulk.total:,} runs so far")


def _drive(tarry: Connection, bulk_id: str, runs: list[Run], act: Act, rate: float) -> _Outcome:
    """Deal with one run after the other. Ctrl-C, and a request to stop, take effect between two runs."""
    outcome, told, begun = _Outcome(), time.monotonic(), time.monotonic()
    try:
        for number, run in enumerate(counted(runs, "dealt with")):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            if time.monotonic() - told >= _TOLD or number == 0:
                told = time.monotonic()
                if tarry.lookups.tell_bulk(bulk_id, number).is_stopped:
                    outcome.ended = "stopped"
                    break
            done = act(tarry, run, bulk_id)
            if isinstance(done, str):
                outcome.left_out[run.id] = done
            else:
                outcome.done[run.id] = done.id
    except KeyboardInterrupt:
        outcome.ended = "stopped"
    except BaseException:
        tarry.lookups.tell_bulk(bulk_id, _dealt(outcome), "cut off by an error")
        raise
    tarry.lookups.tell_bulk(bulk_id, _dealt(outcome), outcome.ended)
    return outcome


def _dealt(outcome: _Outcome) -> int:
    return len(outcome.done) + len(outcome.left_out)


def _preview(what: str, runs: list[Run]) -> None:
    calendar = Calendar(now())
    shown = table("Run", "Started", "Error")
    for run in runs[:_SAMPLE]:
        shown.add_row(run.id, calendar.at(run.started), failure(run.error))
    if runs:
        more = "" if len(runs) <= _SAMPLE else f", of which these are the first {_SAMPLE}"
        screen().print(f"{what}{more}:")
        screen().print(shown)


def _say_none(what: str, past: str, runs: list[Run], selection: RunSelection, options: BulkOptions) -> None:
    if options.as_json:
        ids = [run.id for run in runs]
        print_json({"function": selection.function, "runs": ids, past: {}, "left_out": {}, "remaining": len(ids)})
    else:
        screen().print(f"{what}{f' would be {past}' if runs else ': there is nothing to do'}")


def _ask(verb: str, what: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"nothing has changed: this would {verb} {what}, and no terminal can confirm it; give --yes")
    if not typer.confirm(f"{verb} {what}?", err=True):
        raise CommandError("nothing has changed")


def _report(
    verb: str,
    past: str,
    bulk_id: str,
    runs: list[Run],
    outcome: _Outcome,
    selection: RunSelection,
    options: BulkOptions,
) -> None:
    """Write the receipt."""
    remaining = len(runs) - _dealt(outcome)
    if options.as_json:
        print_json(
            {
                "bulk": bulk_id,
                "function": selection.function,
                "runs": [run.id for run in runs],
                past: outcome.done,
                "left_out": outcome.left_out,
                "remaining": remaining,
            }
        )
    else:
        screen().print(f"{past} {len(outcome.done):,} of {len(runs):,} runs of {selection.function}")
        for reason, count in Counter(map(_gist, outcome.left_out.items())).most_common(_REASONS):
            screen().print(f"left out {count:,}: {reason}")
    if outcome.ended != "done":
        raise CommandError(
            f"stopped: {remaining:,} runs are left; go on with the same command and --yes --bulk {bulk_id}"
        )


def _gist(left_out: tuple[str, str]) -> str:
    """Return the reason without the run's id, so that the same reasons count together."""
    run_id, reason = left_out
    return reason.replace(run_id, "ID")
