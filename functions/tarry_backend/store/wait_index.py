"""The sparse index of waits, by match key: open waits for the matcher, ended waits for receipts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import OWN
from tarry_backend.model.position import Position
from tarry_backend.store.models import Item, WaitsIndex
from tarry_backend.store.step_items import ended_key, ended_ref, ended_target, wait_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry_backend.store.table import Table

__all__ = ["BEHIND_ALL", "PAGE", "Candidate", "Held", "Page", "Waits", "parts_behind"]

PAGE = 500
"""The most waits of a page."""

_PARTS = "01234567"
"""The first characters of waits' places, all equally frequent: a run's id is 128 random bits in digits of five."""

BEHIND_ALL = "~"
"""The end of all places: each place begins with the run's id, in characters below ``~``."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open wait that has the event's key; the matcher still has to evaluate its residual, if it has one.

    ``place`` is its sort key among the waits with that key.
    """

    place: str
    run_id: str
    step_key: str
    residual: str | None
    bindings: Mapping[str, Any]
    since: Position
    deadline: int

    def covers(self, position: Position) -> bool:
        """Return whether the position is in ``(since, deadline]``."""
        return self.since < position and position.received_at <= self.deadline


@dataclass(frozen=True, slots=True)
class Page:
    """Some candidates. ``last`` is the place of the last one, if there may be more after it."""

    candidates: tuple[Candidate, ...]
    last: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A wait that has an event's key, or had it: it is open, or ended at ``ended`` (Unix milliseconds)."""

    run_id: str
    step_key: str
    since: Position
    deadline: int
    ended: int | None = None
    resolved_by: Position | None = None

    @property
    def target(self) -> tuple[str, str]:
        """The run's id and the step's key."""
        return self.run_id, self.step_key

    @property
    def is_guard(self) -> bool:
        """Whether this is a guard, whose event cancels the run."""
        return self.step_key.startswith(OWN)

    def apart(self, position: Position) -> int:
        """Return by how many milliseconds the position is outside of the time in which the wait was open for events."""
        end = self.deadline if self.ended is None else min(self.deadline, max(self.ended, self.since.received_at))
        return max(0, self.since.received_at - position.received_at, position.received_at - end)


class Waits:
    """The index of waits, over one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def open_ones(self, match_key: str) -> Iterator[Held]:
        """Yield the open waits with that key."""
        for item in self._table.query_index(WaitsIndex, match_key, page_size=PAGE):
            yield _held(item, *wait_target(item.wait_ref))

    def ended_since(self, match_key: str, moment: int) -> Iterator[Held]:
        """Yield the waits with that key that have ended since then (Unix milliseconds), the earliest end first."""
        since = Item.wait_ref >= ended_ref(moment)
        for item in self._table.query_index(WaitsIndex, ended_key(match_key), since, page_size=PAGE):
            ended, wait_ref = ended_target(item.wait_ref)
            yield _held(item, *wait_target(wait_ref), ended=ended)

    def candidates(self, match_key: str, after: str = "", until: str = BEHIND_ALL) -> Page:
        """Return a page of the open waits with that key whose place is in ``(after, until]``.

        Eventually consistent: the settle read finds what is missing.
        """
        between = Item.wait_ref.between(after + "\x00", until)
        found = list(self._table.query_index(WaitsIndex, match_key, between, limit=PAGE, page_size=PAGE))
        last = found[-1].wait_ref if len(found) == PAGE else None
        return Page(tuple(map(_candidate, found)), last)


def parts_behind(place: str) -> Iterator[tuple[str, str]]:
    """Yield the ranges ``(after, until]`` of places after that one. Each has about as many waits."""
    return pairwise([place, *(end for end in (*_PARTS[1:], BEHIND_ALL) if end > place)])


def _held(item: Any, run_id: str, step_key: str, ended: int | None = None) -> Held:
    resolved_by = Position.parse(item.resolved_by) if item.resolved_by else None
    return Held(run_id, step_key, Position.parse(item.since), int(item.deadline), ended, resolved_by)


def _candidate(item: Any) -> Candidate:
    run_id, step_key = wait_target(item.wait_ref)
    return Candidate(
        item.wait_ref,
        run_id,
        step_key,
        item.residual,
        json.loads(item.bindings) if item.bindings else {},
        Position.parse(item.since),
        int(item.deadline),
    )
