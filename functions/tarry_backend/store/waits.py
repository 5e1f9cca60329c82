"""How an event finds its waits: the sparse index of open waits, by match key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry_backend.position import Position
from tarry_backend.store.models import Item
from tarry_backend.store.steps import wait_target

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PAGE", "Candidate", "Page", "candidates"]

PAGE = 500
"""How many waits a page has at most."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open wait that has the event's key; its residual, if it has one, is still to be asked."""

    run_id: str
    step_key: str
    residual: str | None
    bindings: Mapping[str, Any]
    since: Position
    deadline: int

    def covers(self, position: Position) -> bool:
        """Whether the position lies in ``(since, deadline]``."""
        return self.since < position and position.received_at <= self.deadline


@dataclass(frozen=True, slots=True)
class Page:
    """Some candidates. ``last`` is the place of the last one, if there may be more behind it."""

    candidates: tuple[Candidate, ...]
    last: str | None


def candidates(match_key: str, after: str = "", until: str = "~") -> Page:
    """A page of the open waits with that key, of those whose place lies in ``(after, until]``.

    A place begins with the run's id, in characters below ``~``. Eventually consistent: the settle read finds what is
    missing.
    """
    between = Item.wait_ref.between(after + "\x00", until)
    found = list(Item.waits.query(match_key, between, limit=PAGE, page_size=PAGE))
    last = found[-1].wait_ref if len(found) == PAGE else None
    return Page(tuple(map(_candidate, found)), last)


def _candidate(item: Any) -> Candidate:
    run_id, step_key = wait_target(item.wait_ref)
    return Candidate(
        run_id,
        step_key,
        item.residual,
        json.loads(item.bindings) if item.bindings else {},
        Position.parse(item.since),
        int(item.deadline),
    )
