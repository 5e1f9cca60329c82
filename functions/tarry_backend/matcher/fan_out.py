"""The fan-out of one event to all waits that it matches."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from tarry_backend import matching
from tarry_backend.queues.messages import FanOut, Resume
from tarry_backend.store.wait_index import BEHIND_ALL, parts_behind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.matcher.outbox import Outbox
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import Carried
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Runs, Store
    from tarry_backend.store.wait_index import Candidate, Page
    from tarry_backend.telemetry import Meter

    Answers = dict[str, bool | matching.MatchError]

__all__ = ["NOTES", "PAGES", "SECONDS", "WaitFanOut"]

PAGES = 10
"""How many pages of waits one message resumes before it sends the rest to a continuation."""

SECONDS = 1.0
"""How long, in seconds, the matcher evaluates one page of waits before it sends the rest to a continuation.

A batch has at most ten events, and a matcher 30 seconds for it.
"""

NOTES = 10
"""How many waits of one page get a note that the matcher could not compare an event."""

_REMEMBERED = 10_000


class WaitFanOut:
    """The fan-out to waits: it finds the waits that an event matches, page by page, and resumes them."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._store = store
        self._queues = queues
        self._meter = meter
        self._notes = Notes(store.runs)

    def resume(self, incoming: ReceivedEvent, carried: Carried, key: str, outbox: Outbox) -> int:
        """Resume the first page of the waits with that key; return how many matched.

        If there are more, it divides them into parts by their places. Each part goes into a message of its own, so
        that several matchers resume them at the same time.
        """
        page = self._store.waits.candidates(key)
        matched, stopped = self._resume_page(incoming, carried, page, outbox)
        if stopped is not None:
            self._queues.send_to_matcher(FanOut(key, stopped, page.last or BEHIND_ALL, carried))
        if page.last is not None:
            for after, until in parts_behind(page.last):
                self._queues.send_to_matcher(FanOut(key, after, until, carried))
        return matched

    def go_on(self, incoming: ReceivedEvent, message: FanOut, outbox: Outbox) -> int:
        """Resume some pages of a part, and send the rest of it on; return how many waits matched."""
        total, after = 0, message.after
        for _ in range(PAGES):
            page = self._store.waits.candidates(message.match_key, after, message.until)
            matched, stopped = self._resume_page(incoming, message.carried, page, outbox)
            total += matched
            if stopped is None and page.last is None:
                return total
            after = stopped or page.last or after
            if stopped is not None:
                break
        self._queues.send_to_matcher(replace(message, after=after))
        return total

    def _resume_page(
        self, incoming: ReceivedEvent, carried: Carried, page: Page, outbox: Outbox
    ) -> tuple[int, str | None]:
        """Resume the waits of a page; return how many matched, and the place after which it stopped, or ``None``.

        It stops when its time is over: an event with thousands of items can take half a minute of evaluation, and the
        events behind it must not wait for that. ``None`` means that it got through the page.
        """
        answers: Answers = {}
        resumes: list[Resume] = []
        stopped: str | None = None
        self._notes.begin_page()
        end = monotonic() + SECONDS
        for wait in page.candidates:
            if wait.covers(incoming.position) and self._matches(wait, incoming, answers):
                resumes.append(Resume(wait.run_id, wait.step_key, carried))
            if monotonic() > end and wait is not page.candidates[-1]:
                stopped = wait.place
                break
        return outbox.send_to_runs(resumes), stopped

    def _matches(self, wait: Candidate, incoming: ReceivedEvent, answers: Answers) -> bool:
        """Return whether the wait's residual holds.

        A residual that uses the event alone is evaluated once for all waits: it may look through a thousand items, and
        five hundred waits may have it.
        """
        if wait.residual is None:
            return True
        answer = answers.get(wait.residual)
        if answer is None:
            answer = _answer(wait.residual, wait.bindings, incoming)
            if not wait.bindings:
                answers[wait.residual] = answer
        if isinstance(answer, matching.MatchError):
            self._meter.count("MatchErrors")
            self._notes.write(wait, f"event {incoming.event.id} could not be compared: {answer}")
            return False
        return answer


class Notes:
    """The notes on waits whose expression could not be evaluated: one a wait, at most ``NOTES`` a page.

    A note is a write. Five hundred of them, one by one, would delay the events behind.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._noted: set[str] = set()
        self._left = 0

    def begin_page(self) -> None:
        """Allow the notes of one more page."""
        self._left = NOTES
        if len(self._noted) > _REMEMBERED:
            self._noted.clear()

    def write(self, wait: Candidate, text: str) -> None:
        """Write the note on the wait, unless it has one or the page already has ``NOTES``."""
        if self._left > 0 and wait.place not in self._noted:
            self._left -= 1
            self._noted.add(wait.place)
            self._runs.note(wait.run_id, wait.step_key, text)


def _answer(residual: str, bindings: Mapping[str, Any], incoming: ReceivedEvent) -> bool | matching.MatchError:
    try:
        return matching.residual_holds(residual, bindings, incoming.event, incoming.received_at)
    except matching.MatchError as error:
        return error
