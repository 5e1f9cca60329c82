"""``tarry rerun``: starts runs again, as new runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tarry.event import new_id
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.run_lookup import find_run
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect

if TYPE_CHECKING:
    from pathlib import Path

    from tarry_backend.model.run import Run
    from tarry_dev.cli.connection import Connection

__all__ = ["rerun_one", "rerun_run"]


def rerun_run(beginning: str, step: str | None, event: Path | None, stack: str | None, as_json: bool) -> None:
    """Start the run whose id begins so again, from a step on if one is given, with another event if one is given.

    Raises:
        CommandError: There is no such run, or it cannot be run again, or the file has no fields of an event.
    """
    fields = None if event is None else _fields(event)
    with connect(stack) as tarry:
        old = find_run(beginning, tarry).run
        new = tarry.lookups.rerun(old.id, new_id(), step, fields)
        if isinstance(new, str):
            raise CommandError(new)
    if as_json:
        print_json({"id": new.id, "rerun_of": old.id, "from": step})
    else:
        where = "from its beginning" if step is None else f"from step {step}"
        screen().print(f"run {old.id} of {old.function_id} runs again {where}, as run {new.id}")


def rerun_one(tarry: Connection, run: Run, bulk_id: str, step: str | None = None) -> Run | str:
    """Start one of many runs again; return the new run, which is the same if the bulk is repeated, or why not."""
    return tarry.lookups.rerun(run.id, bulk_id, step)


def _fields(file: Path) -> dict[str, object]:
    try:
        fields = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise CommandError(f'{file} holds no JSON object: write {{"data": {{...}}}}')
    return fields
