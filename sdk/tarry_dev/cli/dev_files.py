"""The files in which ``tarry dev`` keeps what an app's cloud needs after a restart."""

from __future__ import annotations

from pathlib import Path

from tarry_dev.cli.endpoint import FILE

__all__ = ["clock_file", "forget", "state_file"]


def state_file(app_id: str) -> Path:
    """The file with the app's runs, waits, events and messages."""
    return FILE.parent.absolute() / f"{app_id}.db"


def clock_file(app_id: str) -> Path:
    """The file that says how far the app's clock is ahead."""
    return FILE.parent.absolute() / f"{app_id}.clock"


def forget(app_id: str) -> None:
    """Remove both, and what SQLite has beside its file. The audit trail stays."""
    state = state_file(app_id)
    for file in (state, *(state.with_name(state.name + end) for end in ("-wal", "-shm")), clock_file(app_id)):
        file.unlink(missing_ok=True)
