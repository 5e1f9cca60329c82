"""The console of ``tarry dev``, at the same address as its embedded cloud.

The address ``/runs/ID`` is a page for a browser, and the API's JSON document for a program: a browser asks for HTML.
"""

from __future__ import annotations

import heapq
import logging
import secrets
from collections import deque
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from tarry_backend.clock import now
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.events.envelope import parse, received_event
from tarry_backend.model.step import END_OF_TIME
from tarry_backend.queues.messages import MessageError
from tarry_backend.runtime import runtime
from tarry_backend.store.due_index import GATE, LINE, OBJECTS, SHARDS
from tarry_dev.cli.audit_query import FOLDER, ask_folder
from tarry_dev.cli.endpoint import FILE
from tarry_dev.cli.errors import CommandError
from tarry_dev.console import Source, create_console
from tarry_dev.console.routes import ADDRESSES
from tarry_dev.console.samples import samples_of
from tarry_dev.console.security import LOOPBACK
from tarry_dev.console.source import LogLine, PageError
from tarry_dev.dead_letters import DeadLetters
from tarry_dev.lookups import StoreLookups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from werkzeug.wrappers import Request

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.store.due_index import DueEntry
    from tarry_dev.cli.audit_query import Answer
    from tarry_dev.cloud import Cloud, Delivery
    from tarry_dev.cloud.server import Server

__all__ = ["console_of"]

_EVENTS, _RUNS, _LINES = 500, 1_000, 200
"""How many events are remembered, and of how many runs how many log lines each."""

_DAY = 86_400_000


@contextmanager
def console_of(cloud: Cloud, server: Server, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
    """Within it, the server has the console of its app."""
    memory = _Memory()
    cloud.observe(memory.note)
    logging.getLogger().addHandler(memory)
    lookups = StoreLookups(
        Deployment(cloud.app.id, tuple(cloud.app.functions), cloud.settings, {}, facts_of(cloud.app)),
        runtime().store,
        cloud.functions["signals"].function_name,
    )
    source = _source(cloud, server, lookups, memory)
    console = create_console(source, hosts={*LOOPBACK, *allowed_hosts}, secret=_secret())
    server.mount(lambda request: console if _is_page(request) else None)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(memory)


def _source(cloud: Cloud, server: Server, lookups: StoreLookups, memory: _Memory) -> Source:
    def dead_letters() -> Mapping[str, DeadLetters]:
        queues = ((name, getattr(cloud.settings, f"{name}_queue"), each) for name, each in cloud.queues.items())
        return {name: DeadLetters(cloud.clients.sqs, name, url, each.dead_url, wait=0) for name, url, each in queues}

    return Source(
        lookups=lookups,
        name=f"{cloud.app.id} on tarry dev",
        is_local=True,
        dead_letters=dead_letters,
        ask=_ask,
        clock=_Clock(server, lookups),
        samples=samples_of(cloud.app),
        newest_events=lambda limit: memory.newest(limit, lookups),
        log_lines=memory.lines,
        revision=lambda: memory.revision,
    )


def _secret() -> str:
    """What the marks of forms are made with. It stays through a restart, so that a page from before works."""
    file = FILE.parent / "console.key"
    if not file.is_file() or not file.read_text("utf-8"):  # an older Tarry left it empty on a full disk
        file.parent.mkdir(exist_ok=True)
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_hex(32), "utf-8")
        unfinished.replace(file)
    return file.read_text("utf-8")


def _is_page(request: Request) -> bool:
    """Whether a browser asks for a page, or for what a page needs. A signed request is AWS's."""
    first, _, rest = request.path.removeprefix("/").partition("/")
    if first == "console":
        return rest.startswith("static/")
    if any(name.startswith("X-Amz-") for name in request.args):
        return False
    return first in ("", *ADDRESSES) and "text/html" in request.headers.get("Accept", "")


def _ask(sql: str) -> Answer:
    try:
        return ask_folder(FOLDER.absolute(), sql)
    except CommandError as error:
        raise PageError(400, str(error).replace("--sql", "this page")) from error


class _Clock:
    """The clock of the served cloud."""

    def __init__(self, server: Server, lookups: StoreLookups) -> None:
        self._server = server
        self._lookups = lookups

    @property
    def ahead(self) -> int:
        return self._server.advances.ahead

    def timers(self, limit: int) -> Sequence[tuple[int, str, str]]:
        dues = self._lookups.store.dues
        every = heapq.merge(*(dues.between(each, now(), END_OF_TIME - 1) for each in SHARDS), key=lambda due: due.at)
        return [(due.at, _timer_words(due), "" if due.kind == GATE else due.run_id) for due in islice(every, limit)]

    def move(self, body: Mapping[str, Any]) -> int:
        return self._server.advances.ask(dict(body)).moved


def _timer_words(due: DueEntry) -> str:
    if due.kind == GATE:
        return f"the limit {due.run_id} is looked at"
    if due.kind == OBJECTS:
        return "a look whether the large values of an ended run can go"
    if due.kind == LINE:
        return "a look at the leases of a run that waits for its turn"
    what = {
        "wait": "the deadline of",
        "cancel": "the deadline of",
        "timeout": "the deadline of",
        "signal": "the deadline of",
        "sleep": "the end of",
        "invoke": "the deadline of",
    }.get(due.kind, "the next attempt of")
    return f"{what} {due.step_key or 'the function'}"


class _Memory(logging.Handler):
    """What has come since the start: the newest events, and the lines that runs logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._events: deque[ReceivedEvent] = deque(maxlen=_EVENTS)
        self._is_filled = False
        self._lines: dict[str, deque[LogLine]] = {}
        self._changes = count(now())  # beyond what a process before this one has reached
        self._changing = RLock()
        self.revision = next(self._changes)

    def note(self, delivery: Delivery) -> None:
        """Note the events of a delivery, and that something has changed."""
        if delivery.function == "matcher":
            for message in delivery.messages:
                with suppress(MessageError):
                    fields = parse(message.body)
                    if "tarry" not in fields:
                        self._events.append(received_event(fields, message.sent_at))
        self.revision = next(self._changes)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line that concerns a run."""
        run_id = getattr(record, "run_id", None)
        if not isinstance(run_id, str):
            return
        place = Path(record.pathname)
        is_own = record.name.startswith("tarry.run")
        shown = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {record.exc_info[1]!r}"
        line = LogLine(
            int(record.created * 1000), record.levelname, text, f"{shown} line {record.lineno}" if is_own else ""
        )
        with self._changing:
            self._lines.setdefault(run_id, deque(maxlen=_LINES)).append(line)
            while len(self._lines) > _RUNS:
                del self._lines[next(iter(self._lines))]
        self.revision = next(self._changes)

    def lines(self, run_id: str) -> Sequence[LogLine]:
        """Return the lines of a run, in their order."""
        with self._changing:
            return tuple(self._lines.get(run_id, ()))

    def newest(self, limit: int, lookups: StoreLookups) -> Sequence[ReceivedEvent]:
        """Return the newest events, in the order of their receipt; those from before the start are read once."""
        with self._changing:
            if not self._is_filled:
                known = {each.position for each in self._events}
                before = lookups.newest_events(None, now() - _DAY, now(), _EVENTS)
                later = list(self._events)
                self._events.clear()
                self._events.extend([*(each for each in before if each.position not in known), *later])
                self._is_filled = True
            seen = {each.position: each for each in list(self._events)}
        return [seen[position] for position in sorted(seen)][-limit:]
