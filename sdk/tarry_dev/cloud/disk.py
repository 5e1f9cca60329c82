"""The file in which an embedded account survives its process: SQLite, one transaction for each AWS call."""

from __future__ import annotations

import base64
import json
import sqlite3
from threading import RLock
from typing import TYPE_CHECKING, Any

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Changes", "Disk"]

_VERSION = 1
"""Of the tables below. A file of another version is refused."""

_TABLES = """
create table if not exists items (key text primary key, attributes text not null) without rowid;
create table if not exists messages (
    place integer primary key autoincrement, id text not null unique, queue text not null, fields text not null
);
create table if not exists seen (
    queue text not null, scope text, id text, until real not null, primary key (queue, scope, id)
);
create table if not exists objects (key text primary key, body blob not null);
"""

_BYTES = "bytes!"

_SEEN_BETWEEN = 10_000
"""After how many deduplication ids those that count no more are removed."""

_SEEN_FOR = 300_000
"""How long, in milliseconds, a deduplication id counts."""

Changes = dict[str, Any]
"""What a call changed, by its key: its new content, or ``None`` if it is gone."""


class Disk:
    """A file that holds items, messages, deduplication ids and objects, as JSON and blobs.

    A commit survives the death of the process (``kill -9``) at once. The last commits may be lost if the machine loses
    power; the file is then as it was a moment earlier. One process has the file at a time.

    Raises:
        UsageError: Another process has the file, or it is damaged, or another version of Tarry wrote it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._alone = RLock()
        self._seen = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            raise self._unusable(str(error)) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=1, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("pragma locking_mode = exclusive")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            version = connection.execute("pragma user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise self._unusable(f"its version is {version}, and this Tarry reads version {_VERSION}")
            connection.executescript(_TABLES)
            connection.execute(f"pragma user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _unusable(self, why: str) -> UsageError:
        advice = "End the process that has it, or forget its runs: start tarry dev with --fresh"
        if "full" in why or "readonly" in why or "unable to open" in why:
            advice = "Its disk must have room, and its folder must be writable"
        return UsageError(f"{self._file}, which keeps the runs of tarry dev, cannot be used: {why}. {advice}")

    def close(self) -> None:
        """Close the file. What was committed is in it."""
        with self._alone:
            self._connection.close()

    def commit(self, items: Changes, messages: Changes, objects: Changes) -> None:
        """Write all of it, or nothing.

        Args:
            items: Attributes by key.
            messages: A queue's name, the message's fields, and its deduplication id with its end, by the message's id.
            objects: Bodies by key.
        """
        with self._alone:
            try:
                self._connection.execute("begin immediate")
                self._write("items", "key", "attributes", {key: _text(each) for key, each in items.items()})
                self._write("objects", "key", "body", objects)
                for message_id, stored in messages.items():
                    self._write_message(message_id, stored)
                self._connection.execute("commit")
            except sqlite3.OperationalError as error:
                self._undo()
                raise UsageError(
                    f"{self._file}, which keeps the runs of tarry dev, cannot be written: {error}"
                ) from error
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        if self._connection.in_transaction:  # SQLite itself has undone it if the disk is full
            self._connection.execute("rollback")

    def _write(self, table: str, key: str, content: str, changes: Mapping[str, Any]) -> None:
        gone = [(each,) for each, value in changes.items() if value is None]
        there = [(each, value) for each, value in changes.items() if value is not None]
        if gone:
            self._connection.executemany(f"delete from {table} where {key} = ?", gone)
        if there:
            self._connection.executemany(f"insert or replace into {table} ({key}, {content}) values (?, ?)", there)

    def _write_message(self, message_id: str, stored: tuple[str, Any, tuple[Any, Any, float] | None] | None) -> None:
        if stored is None:
            self._connection.execute("delete from messages where id = ?", (message_id,))
            return
        queue, fields, seen = stored
        # Its place stays: a message that is received keeps its turn in the queue.
        self._connection.execute(
            "insert into messages (id, queue, fields) values (?, ?, ?)"
            " on conflict (id) do update set queue = excluded.queue, fields = excluded.fields",
            (message_id, queue, _text(fields)),
        )
        if seen is not None:
            self._connection.execute("insert or replace into seen values (?, ?, ?, ?)", (queue, *seen))
            self._seen += 1
            if self._seen % _SEEN_BETWEEN == 0:
                self._connection.execute("delete from seen where until <= ?", (seen[2] - _SEEN_FOR,))

    def items(self) -> Iterator[dict[str, Any]]:
        """The attributes of each item."""
        for (attributes,) in self._all("select attributes from items"):
            yield _content(attributes)

    def messages(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Queue, id and fields of each message, in the order of their arrival."""
        for queue, message_id, fields in self._all("select queue, id, fields from messages order by place"):
            yield queue, message_id, _content(fields)

    def seen(self, queue: str, now: float) -> dict[tuple[str | None, str | None], float]:
        """The deduplication ids of a queue that still count, and until when. The others are removed."""
        self._all("delete from seen where until <= ?", now)
        rows = self._all("select scope, id, until from seen where queue = ?", queue)
        return {(scope, seen_id): until for scope, seen_id, until in rows}

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Key and body of each object."""
        yield from self._all("select key, body from objects")

    def _all(self, statement: str, *values: object) -> list[Any]:
        with self._alone:
            return self._connection.execute(statement, values).fetchall()


def _text(content: Any) -> str | None:
    return None if content is None else json.dumps(content, default=_bytes, separators=(",", ":"))


def _bytes(value: object) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"{value!r} has no place in an item or a message")
    return {_BYTES: base64.b64encode(value).decode()}


def _content(text: str) -> Any:
    return json.loads(text, object_hook=_restored)


def _restored(found: dict[str, Any]) -> Any:
    # No item or message has such an object: DynamoDB's types have other names, and a map's values are objects.
    coded = found.get(_BYTES)
    return base64.b64decode(coded) if isinstance(coded, str) and len(found) == 1 else found
