"""The questions to an app about one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.remote.answers import AppError
from tarry_backend.remote.signatures import canonical
from tarry_backend.remote.states import event_document, stack_of, steps_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.remote.answers import Answer
    from tarry_backend.remote.connection import Connection
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["BIG", "DISCOVERY", "Inquiry"]

DISCOVERY = "step"
"""The step that a discovery asks for: whichever comes next."""

BIG = 4_000_000
"""From how many bytes on the app fetches the run's steps itself, if its SDK can."""

_MOST_FETCHED = 5_500_000

_LEAST = 2_000
"""With fewer milliseconds left, no request begins."""


class Inquiry:
    """Asks an app for the next steps of a run. Several threads may ask at the same time."""

    def __init__(
        self, connection: Connection, function: Function, run: Replayed, journal: Journal, *, can_fetch: bool
    ) -> None:
        self._connection = connection
        self._function = function
        self._run = run
        self._journal = journal
        self._can_fetch = can_fetch
        self._event = event_document(run.event)
        self._events = [event_document(event) for event in run.events]
        self._has_asked = False

    @property
    def where(self) -> str:
        """What is asked, for errors."""
        return f"function {self._function.id!r} at {self._connection.url}"

    @property
    def has_room(self) -> bool:
        """Whether a request may begin: the invocation's first, or one that has at least half of a whole one's time.

        So an app that is slow, but in time in an invocation of its own, is not cut off at the end of another one.
        """
        left, whole = self._journal.time_left()
        return left > _LEAST and (not self._has_asked or left >= whole // 2)

    def ask(self, step: str, steps: Iterable[Step], attempt: int, *, at_once: bool) -> Answer:
        """Ask for a step, or for the next ones. ``at_once``: one new step alone is run at once.

        Raises:
            AppError: The app does not answer, or not in time.
        """
        self._has_asked = True
        known = list(steps)
        document = self._document(known, attempt, at_once=at_once)
        limit = self._connection.transport.most_bytes
        size = sum(len(each.output or "") for each in known) + 100_000
        if self._is_fetched(size, min(BIG, limit)):
            document |= {"steps": {}, "events": [], "use_api": True, "ctx": {**document["ctx"], "use_api": True}}
        elif (size := len(canonical(document))) > limit:
            raise AppError(f"the run's steps have {size:,} bytes; a request to this app carries at most {limit:,}")
        left, _ = self._journal.time_left()
        query = {"fnId": self._function.id, "stepId": step}
        return self._connection.ask("POST", query, document, max(left, _LEAST) / 1000)

    def _is_fetched(self, size: int, limit: int) -> bool:
        """Whether the app is to fetch a state of about that size. A deployed gateway, a Lambda, answers with 6 MB."""
        is_deployed = self._connection.key is not None
        return self._can_fetch and size > limit and not (is_deployed and size > _MOST_FETCHED)

    def _document(self, known: list[Step], attempt: int, *, at_once: bool) -> dict[str, Any]:
        """Without ``fn_id``: by it an SDK takes up checkpointing, which has another writer of the run's steps."""
        stack = stack_of(known)
        context = {
            "run_id": self._run.id,
            "attempt": attempt,
            "max_attempts": self._function.retries.limit + 1,
            "disable_immediate_execution": not at_once,
            "use_api": False,
            "stack": {"stack": stack, "current": len(stack)},
        }
        return {
            "event": self._event,
            "events": self._events,
            "steps": steps_document(known),
            "ctx": context,
            "version": -1,
            "use_api": False,
        }
