"""``tarry run``: one run, and the time line of its steps."""

from __future__ import annotations

from rich.text import Text

from tarry_backend.api.documents import run_page
from tarry_dev.cli.run_lookup import find_run
from tarry_dev.cli.screen import QUIET, print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.cli.timeline import timeline
from tarry_dev.cli.times import Calendar, values

__all__ = ["show_run"]


def show_run(beginning: str, stack: str | None, as_json: bool, full: bool = False, decrypt: bool = False) -> None:
    """``tarry run``."""
    with connect(stack) as tarry:
        snapshot = find_run(beginning, tarry)
        if decrypt:
            from tarry_dev.cli.encrypted_values import decrypted

            snapshot = decrypted(snapshot)
        run = snapshot.run
        held = tarry.lookups.held_back(run) if run.after or run.paced or tarry.is_pausable(run.function_id) else None
    if as_json:
        print_json(tarry.named(run_page(snapshot, held), snapshot.run.id))
    else:
        with values(whole=full):
            shown = timeline(snapshot, Calendar(snapshot.run.started), tarry.attempts(snapshot.run.function_id), held)
        if tarry.app_of is not None:
            screen().print(f"app {tarry.app_of(snapshot.run.id)}")
        screen().print(shown)
        if (page := tarry.page(snapshot.run.id)) is not None:
            screen().print(Text(f"page {page}", QUIET), soft_wrap=True)
