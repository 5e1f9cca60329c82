"""How one event reaches all waits that it matches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry_backend.matching import MatchError, residual_holds
from tarry_backend.queues.messages import FanOut, Resume
from tarry_backend.store.wait_index import parts_behind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import Carried
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.store.wait_index import Candidate
    from tarry_backend.telemetry import Meter

    Answers = dict[str, bool | MatchError]

__all__ = ["PAGES", "WaitFanOut"]

PAGES = 10
"""How many pages of waits one message resumes before it hands the rest to a continuation."""


class WaitFanOut:
    """Asks the index for the waits that an event matches, page by page, and resumes them."""

    def __init__(self, store: Store, queues: Queues, meter: Meter) -> None:
        self._store = store
        self._queues = queues
        self._meter = meter
        self._noted: set[tuple[str, str]] = set()

    def resume(self, incoming: ReceivedEvent, carried: Carried, key: str) -> int:
        """Resume the first page of the waits with that key; return how many matched.

        If there are more, they are divided into parts by their places. Each part goes into a message of its own, so
        that several matchers resume them at the same time.
        """
        page = self._store.waits.candidates(key)
        matched = self._queues.send_to_runs(self._resumes(incoming, carried, page.candidates))
        if page.last is not None:
            for after, until in parts_behind(page.last):
                self._queues.send_to_matcher(FanOut(key, after, until, carried))
        return matched

    def go_on(self, incoming: ReceivedEvent, message: FanOut) -> int:
        """Resume some pages of a part, and hand on what is left of it; return how many waits matched."""
        matched, after = 0, message.after
        for _ in range(PAGES):
            page = self._store.waits.candidates(message.match_key, after, message.until)
            matched += self._queues.send_to_runs(self._resumes(incoming, message.carried, page.candidates))
            if page.last is None:
                return matched
            after = page.last
        self._queues.send_to_matcher(replace(message, after=after))
        return matched

    def _resumes(self, incoming: ReceivedEvent, carried: Carried, candidates: Iterable[Candidate]) -> Iterator[Resume]:
        answers: Answers = {}
        for wait in candidates:
            if wait.covers(incoming.position) and self._matches(wait, incoming, answers):
                yield Resume(wait.run_id, wait.step_key, carried)

    def _matches(self, wait: Candidate, incoming: ReceivedEvent, answers: Answers) -> bool:
        """Whether the wait's residual holds.

        A residual that asks about the event alone is evaluated once for all waits: it may look through a thousand
        items, and five hundred waits may ask it.
        """
        if wait.residual is None:
            return True
        answer = answers.get(wait.residual)
        if answer is None:
            answer = _answer(wait.residual, wait.bindings, incoming)
            if not wait.bindings:
                answers[wait.residual] = answer
        if isinstance(answer, MatchError):
            self._report(wait, incoming, answer)
            return False
        return answer

    def _report(self, wait: Candidate, incoming: ReceivedEvent, error: MatchError) -> None:
        """Count an expression that could not be evaluated, and note it on the wait, once."""
        self._meter.count("MatchErrors")
        target = (wait.run_id, wait.step_key)
        if target not in self._noted:
            self._noted.add(target)
            self._store.runs.note(*target, f"event {incoming.event.id} could not be compared: {error}")


def _answer(residual: str, bindings: Mapping[str, Any], incoming: ReceivedEvent) -> bool | MatchError:
    try:
        return residual_holds(residual, bindings, incoming.event, incoming.received_at)
    except MatchError as error:
        return error
