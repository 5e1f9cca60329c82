"""The bus of several apps that one ``tarry dev`` serves: a file that carries each event to the other processes."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing, contextmanager
from threading import Event as Flag
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import CANCEL_RUN, INVOKED
from tarry.errors import UsageError
from tarry_backend.events.address import SCHEDULED
from tarry_dev.cloud.moto_shortcut import ONE_AT_A_TIME, at_aws
from tarry_dev.cloud.resources import rule_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tarry_dev.cloud.cloud import Cloud

__all__ = ["SharedBus"]

_LOOK = 0.05
"""Seconds between two looks for events of the others."""

_AT_ONCE = 100
"""How many events are read in one look."""

_ADDRESSED = {CANCEL_RUN, INVOKED, SCHEDULED}
"""Events that are addressed to the app that sends them. On AWS the matchers of the others do nothing with them."""

_TABLES = """
CREATE TABLE IF NOT EXISTS members (target TEXT PRIMARY KEY, app TEXT UNIQUE, seen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, bus TEXT NOT NULL, event TEXT NOT NULL
);
"""

_log = logging.getLogger(__name__)


class SharedBus:
    """The bus in ``file``, as the app ``target`` sees it.

    It keeps an event until each of the apps has it in its own queue, also one that cannot be imported yet. Source, id
    and time of an event stay as they are. Apps that name no bus share one. Apps that name the same bus share that.
    """

    def __init__(self, file: Path, target: str) -> None:
        self._file = file
        self._target = target
        self._alone = Lock()

    @staticmethod
    def prepare(file: Path, targets: Iterable[str]) -> None:
        """Make the file for these apps. One of before gets what it has not had yet; a new one, what comes from now."""
        names = list(targets)
        marks = ", ".join("?" * len(names))
        last = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"
        with closing(_opened(file)) as database:
            database.executescript(_TABLES)
            with database:
                database.execute(f"DELETE FROM members WHERE target NOT IN ({marks})", names)
                database.execute("UPDATE members SET app = NULL")
                for name in names:
                    database.execute(f"INSERT OR IGNORE INTO members VALUES (?, NULL, ({last}))", (name,))

    def claim(self, app_id: str) -> None:
        """Say which app this is; raise ``UsageError`` if another one has the same id."""
        with closing(_opened(self._file)) as database:
            try:
                with database:
                    database.execute("UPDATE members SET app = ? WHERE target = ?", (app_id, self._target))
            except sqlite3.IntegrityError:
                (other,) = database.execute("SELECT target FROM members WHERE app = ?", (app_id,)).fetchone()
                raise UsageError(
                    f"{self._target} and {other} are both app {app_id!r}: give one of them another id"
                ) from None

    @contextmanager
    def carried(self, cloud: Cloud) -> Iterator[None]:
        """Within it, the other apps get the events of this cloud's bus, and this cloud gets theirs.

        own event       own queue ── file ── own queue is on disk ── the sender is answered
        killed here               ↑        ↑ the others have it; the sender has no answer, and sends it again

        their event     own queue is on disk ── noted as seen
        killed here                           ↑ it comes again; the matcher knows it by source and id
        """
        bus, rule, stopping = cloud.app.bus.given_name or "", rule_of(cloud.region, cloud.bus), Flag()
        with closing(_opened(self._file)) as ours, closing(_opened(self._file)) as theirs:

            def read_on() -> None:
                while not stopping.wait(_LOOK):
                    try:
                        self._take(theirs, bus, rule.deliver)
                    except Exception:
                        _log.exception("an event of another app could not be delivered; it is tried again")
                        stopping.wait(1)

            reader = Thread(target=read_on, name="tarry-shared-bus", daemon=True)
            rule.share(lambda event: self._put(ours, bus, event))
            reader.start()
            try:
                yield
            finally:
                stopping.set()
                reader.join()
                rule.share(None)

    def _put(self, database: sqlite3.Connection, bus: str, event: dict[str, Any]) -> None:
        if event["detail-type"] in _ADDRESSED and event["source"].startswith("tarry."):
            return
        with self._alone, database:
            row = self._target, bus, json.dumps(event)
            database.execute("INSERT INTO events (target, bus, event) VALUES (?, ?, ?)", row)

    def _take(self, database: sqlite3.Connection, bus: str, deliver: Callable[[dict[str, Any]], None]) -> None:
        """Deliver what the others have put. The file is not locked while the cloud is."""
        new = "number > (SELECT seen FROM members WHERE target = ?) ORDER BY number LIMIT ?"
        found = database.execute(f"SELECT * FROM events WHERE {new}", (self._target, _AT_ONCE)).fetchall()
        for number, target, its_bus, event in found:
            if target != self._target and its_bus == bus:
                with ONE_AT_A_TIME, at_aws():
                    deliver(json.loads(event))
            with database:
                database.execute("UPDATE members SET seen = ? WHERE target = ?", (number, self._target))
        if found:
            with database:
                database.execute("DELETE FROM events WHERE number <= (SELECT MIN(seen) FROM members)")


def _opened(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=30, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    return database
