"""Finding the run that a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.store import listing
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from tarry_backend.store import Whole
    from tarry_dev.cli.connection import Connection

__all__ = ["find_run"]


def find_run(beginning: str, tarry: Connection) -> Whole:
    """The run of that id, or the one run whose id begins so; ``CommandError`` if there is none, or several."""
    beginning = beginning.upper()
    whole = tarry.store.runs.load(beginning)
    if whole is not None:
        return whole
    ids = listing.run_ids(tarry.functions, beginning)
    if len(ids) > 1:
        some = ", ".join(ids[:5])
        raise CommandError(f"{len(ids)} runs have an id that begins with {beginning}: {some}; give more of it")
    found = tarry.store.runs.load(ids[0]) if ids else None
    if found is None:
        raise CommandError(
            f"no run has an id that begins with {beginning}, among the newest {listing.LOOKED_THROUGH:,} of each "
            "function and status; tarry runs lists them"
        )
    return found
