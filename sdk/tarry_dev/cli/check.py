"""``tarry check``: running runs, replayed with the code at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.model.run import RunStatus
from tarry_backend.replay import Failure, Replayed
from tarry_backend.replay.dry_run import dry_run
from tarry_dev.cli.apps import find_app
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.errors import CommandError, no_function
from tarry_dev.cli.progress import counted
from tarry_dev.cli.project_file import ProjectFile
from tarry_dev.cli.screen import print_json, screen, table
from tarry_dev.cli.target import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry import App
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.connection import Connection

__all__ = ["check_runs"]


def check_runs(target: str | None, function: str | None, limit: int, stack: str | None, as_json: bool) -> None:
    """``tarry check``. The exit code is 1 if a run would break."""
    if target is None:
        project = ProjectFile.enter()
        with project.named():
            check_runs(project.one_app(), function, limit, stack, as_json)
        return
    app = find_app(target)
    checked: dict[str, int] = {}
    broken: list[tuple[RunSnapshot, Failure]] = []
    with connect(stack, of_several=app.id) as tarry:
        if tarry.deployment.app_id != app.id:
            raise CommandError(
                f"{target} is app {app.id!r}, and the deployed app is {tarry.deployment.app_id!r}: check the code of "
                "that app, or name the stack of this one with --stack"
            )
        for snapshot in counted(_running(tarry, app, function, limit), "checked"):
            checked[snapshot.run.function_id] = checked.get(snapshot.run.function_id, 0) + 1
            if (problem := _problem(app, snapshot)) is not None:
                broken.append((snapshot, problem))
    if as_json:
        print_json({"app": app.id, "checked": checked, "broken": [_document(*each) for each in broken]})
    else:
        _show(checked, broken)
    if broken:
        raise typer.Exit(1)


def _running(tarry: Connection, app: App, function: str | None, limit: int) -> Iterator[RunSnapshot]:
    """The runs that have not ended, also those of functions that only one of the two apps has."""
    functions = sorted({*tarry.functions, *app.functions}) if function is None else [function]
    if function is not None and function not in {*tarry.functions, *app.functions}:
        raise no_function(function, sorted(app.functions))
    for each in functions:
        for run_id in tarry.lookups.running(each, 0, now(), limit):
            snapshot = tarry.lookups.snapshot(run_id)
            if snapshot is not None and snapshot.run.status is RunStatus.RUNNING:
                yield snapshot


def _problem(app: App, snapshot: RunSnapshot) -> Failure | None:
    """Return why the code at hand breaks the run. The error for which the run is already retried does not count."""
    run = snapshot.run
    function = app.functions.get(run.function_id)
    if function is None:
        there = ", ".join(sorted(app.functions))
        return Failure.of(UsageError(f"the code has no function {run.function_id!r}; it has {there}"))
    replayed = Replayed(run.id, run.event, run.received_at, snapshot.attempt, started=run.started, events=run.events)
    problem = dry_run(function, replayed, snapshot.steps)
    if problem is not None and run.error is not None and problem.name == run.error.name:
        return None
    return problem


def _document(snapshot: RunSnapshot, problem: Failure) -> dict[str, str]:
    run = snapshot.run
    return {"id": run.id, "function": run.function_id, "error": problem.name, "message": problem.message}


def _show(checked: dict[str, int], broken: list[tuple[RunSnapshot, Failure]]) -> None:
    total = sum(checked.values())
    if broken:
        made = table("Run", "Function", "What would happen")
        for snapshot, problem in broken:
            made.add_row(snapshot.run.id[:SHORT], snapshot.run.function_id, f"{problem.name}: {problem.message}")
        screen().print(made)
        screen().print(
            f"{len(broken)} of {total} running runs would fail with this code. Restore their steps, or keep the old "
            "function under its fn_id until these runs have ended."
        )
    elif total:
        counts = ", ".join(f"{count} of {function}" for function, count in checked.items())
        screen().print(f"All {total} running runs fit this code ({counts}).")
    else:
        screen().print("No run is running: the code can break none.")
