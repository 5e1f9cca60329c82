"""The file in which the events of several apps' bus are kept, until each of the apps has them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

__all__ = ["BusFile", "Carried"]

_AT_ONCE = 100

_TABLES = """
CREATE TABLE IF NOT EXISTS members (target TEXT PRIMARY KEY, app TEXT UNIQUE, seen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, bus TEXT NOT NULL, event TEXT NOT NULL
);
"""

_LAST = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"


@dataclass(frozen=True, slots=True)
class Carried:
    """An event in the file: its number, which app put it, on which bus, and its JSON."""

    number: int
    target: str
    bus: str
    event: str


class BusFile:
    """The file, open for the app ``target``. ``MODULE:APP`` names an app: its id is not known before its import."""

    def __init__(self, file: Path, target: str) -> None:
        self._target = target
        self._database = _opened(file)
        self._alone = Lock()

    @staticmethod
    def prepare(file: Path, targets: Iterable[str]) -> None:
        """Make the file for these apps. One of before gets what it has not had yet; a new one, what comes from now."""
        names = list(targets)
        with closing(_opened(file)) as database, database:
            for statement in _TABLES.split(";"):
                database.execute(statement)
            database.execute(f"DELETE FROM members WHERE target NOT IN ({', '.join('?' * len(names))})", names)
            database.execute("UPDATE members SET app = NULL")
            for name in names:
                database.execute(f"INSERT OR IGNORE INTO members VALUES (?, NULL, ({_LAST}))", (name,))

    @staticmethod
    def standing(file: Path, apps: Collection[str]) -> tuple[int, bool]:
        """Return the number of the last event, and whether each of these apps has had it."""
        with closing(_opened(file)) as database:
            (last,) = database.execute(_LAST).fetchone()
            seen = dict(database.execute("SELECT app, seen FROM members WHERE app IS NOT NULL").fetchall())
        return last, all(seen.get(app, last) >= last for app in apps)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def claim(self, app_id: str) -> None:
        """Say which app this is; raise ``UsageError`` if another one has the same id."""
        try:
            with self._alone, self._database as database:
                database.execute("UPDATE members SET app = ? WHERE target = ?", (app_id, self._target))
        except sqlite3.IntegrityError:
            (other,) = self._database.execute("SELECT target FROM members WHERE app = ?", (app_id,)).fetchone()
            raise UsageError(
                f"{self._target} and {other} are both app {app_id!r}: give one of them another id"
            ) from None

    def put(self, bus: str, event: str) -> None:
        """Keep an event for the other apps; it is on disk at the return."""
        with self._alone, self._database as database:
            database.execute("INSERT INTO events (target, bus, event) VALUES (?, ?, ?)", (self._target, bus, event))

    def new(self) -> list[Carried]:
        """Return the next events that were not noted as seen, this app's own too."""
        query = (
            "SELECT * FROM events WHERE number > (SELECT seen FROM members WHERE target = ?) ORDER BY number LIMIT ?"
        )
        with self._alone:
            return [Carried(*row) for row in self._database.execute(query, (self._target, _AT_ONCE)).fetchall()]

    def note(self, number: int) -> None:
        """Note this event, and all before it, as seen. What all apps have seen is removed."""
        with self._alone, self._database as database:
            database.execute("UPDATE members SET seen = ? WHERE target = ?", (number, self._target))
            database.execute("DELETE FROM events WHERE number <= (SELECT MIN(seen) FROM members)")


def _opened(file: Path) -> sqlite3.Connection:
    """Open it for any thread. Another process that writes is waited for; a commit survives the death of this one."""
    database = sqlite3.connect(file, timeout=30, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    return database
