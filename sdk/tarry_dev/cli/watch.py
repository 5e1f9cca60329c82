"""The lines of ``tarry dev``: one for each event, and for each transition of a run."""

from __future__ import annotations

from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING

from rich.text import Text

from tarry_backend.clock import now
from tarry_backend.events.envelope import parse, received_event
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.messages import MessageError, decode
from tarry_backend.runtime import runtime
from tarry_dev.cli.describe import SHORT
from tarry_dev.cli.screen import BAD, QUIET
from tarry_dev.cli.times import Calendar, compact
from tarry_dev.cli.transitions import moves
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cloud import Delivery, Message

__all__ = ["Watch"]

_OWN = "tarry/"


class Watch:
    """An observer of deliveries: it looks at each run that received a message, and prints what is new."""

    url: str | None = None
    """Where the cloud is served: then a run's first line, and the line of its failure, have the URL of its document."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, RunSnapshot] = {}
        self._ended: set[str] = set()
        self._one_at_a_time = RLock()  # runs go side by side, and a failed attempt is shown while its run goes on

    def know(self, snapshots: Iterable[RunSnapshot]) -> int:
        """Remember runs from before a restart: only what happens from now on is printed. Return their number."""
        known = {snapshot.run.id: snapshot for snapshot in snapshots}
        self._seen.update(known)
        return len(known)

    def __call__(self, delivery: Delivery) -> None:
        if delivery.function == "matcher":
            for message in delivery.messages:
                self._tell_event(message)
        elif delivery.function == "executor":
            for run_id in dict.fromkeys(_run_id(message) for message in delivery.messages):
                self.look_at(run_id)
        if delivery.error is not None:
            self._line(now(), "", f"{delivery.function} failed: {delivery.error!r}", BAD)

    def _tell_event(self, message: Message) -> None:
        with suppress(MessageError):  # what is not an event is in the log, and goes to the dead letters
            fields = parse(message.body)
            if "tarry" in fields:
                return
            event = received_event(fields, message.sent_at).event
            if not event.name.startswith(_OWN):
                self._line(message.sent_at, "event", f"{event.name} {compact(event.data)}", QUIET)

    def look_at(self, run_id: str | None) -> None:
        """Print what is new of the run."""
        with self._one_at_a_time:
            self._tell_run(run_id)

    def _tell_run(self, run_id: str | None) -> None:
        if run_id is None or run_id in self._ended or (snapshot := runtime().store.runs.load(run_id)) is None:
            return
        function = runtime().app.functions.get(snapshot.run.function_id)
        attempts = None if function is None else function.retries.limit + 1
        known = self._seen.get(run_id)
        shown = moves(known, snapshot, Calendar(now()), attempts)
        for place, move in enumerate(shown):
            who = f"{snapshot.run.function_id} {run_id[:SHORT]}"
            is_failure = place == len(shown) - 1 and snapshot.run.status is RunStatus.FAILED
            is_linked = is_failure or (place == 0 and known is None)
            self._line(move.at, who, f"{move.mark} {move.text}", move.style, self._page(run_id) if is_linked else "")
        self._seen[run_id] = snapshot
        if snapshot.run.ended is not None:
            self._ended.add(run_id)
            del self._seen[run_id]

    def _page(self, run_id: str) -> str:
        return "" if self.url is None else f"  {self.url}/runs/{run_id}"

    def _line(self, at: int, who: str, text: str, style: str, page: str = "") -> None:
        line = Text.assemble(
            (Calendar(now()).at(at), QUIET),
            "  ",
            (one_line(who), "bold"),
            "  ",
            (one_line(text), style),
            (page, QUIET),
        )
        self._console.print(line, soft_wrap=True)


def _run_id(message: Message) -> str | None:
    with suppress(MessageError):
        return getattr(decode(message.body), "run_id", None)
    return None
