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

__all__ = ["Candidate", "Page", "candidates"]

PageKey = dict[str, dict[str, Any]]


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
    """Some candidates, and where the next page begins."""

    candidates: tuple[Candidate, ...]
    next: PageKey | None


def candidates(match_key: str, start: PageKey | None = None, size: int = 500) -> Page:
    """A page of the open waits with that key. Eventually consistent: the settle read finds what is missing."""
    found = Item.waits.query(match_key, last_evaluated_key=start, limit=size)
    return Page(tuple(_candidate(item) for item in found), found.last_evaluated_key)


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
