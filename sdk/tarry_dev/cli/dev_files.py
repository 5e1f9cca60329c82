"""The files in which ``tarry dev`` keeps what an app's cloud needs after a restart."""

from __future__ import annotations

from pathlib import Path

from tarry_dev.cli.endpoint import FILE

__all__ = ["bus_file", "clock_file", "forget", "forget_bus", "state_file"]


def bus_file(folder: Path) -> Path:
    """The bus that several apps of the folder share, with the events that one of them has not had yet."""
    return folder / FILE.with_name("events.bus")


def state_file(app_id: str) -> Path:
    """The file with the app's runs, waits, events and messages."""
    return FILE.parent.absolute() / f"{app_id}.db"


def clock_file(app_id: str) -> Path:
    """The file that says how far the app's clock is ahead."""
    return FILE.parent.absolute() / f"{app_id}.clock"


def forget(app_id: str) -> None:
    """Remove both, and what SQLite has beside its file. The audit trail stays."""
    _remove(state_file(app_id))
    clock_file(app_id).unlink(missing_ok=True)


def forget_bus() -> None:
    """Remove the shared bus."""
    _remove(bus_file(Path.cwd()))


def _remove(database: Path) -> None:
    for end in ("", "-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
