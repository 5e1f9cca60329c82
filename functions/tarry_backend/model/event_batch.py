"""A function's batch of events of one key, while it is open and while it starts its run. Pure.

events    a ── b ── c: max_size                          d ── …
batch     1: a, b, c ── closed ── traces ── start        2: d, …
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tarry_backend.model.event_place import EventPlace

__all__ = ["EventBatch", "Member"]


class Member(NamedTuple):
    """An event of a batch: where it is in the log, and its size in bytes of JSON."""

    place: EventPlace
    size: int

    def text(self) -> str:
        """Return the member as it is stored."""
        return json.dumps([*self.place.fields(), self.size], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Member:
        """Return the member that ``text`` wrote."""
        received_at, identity, name, size = json.loads(text)
        return cls(EventPlace.parse(received_at, identity, name), size)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """The batches of one key. Members are by the id of the run that each event would start by itself.

    ``number`` counts the batches, from 1; 0 if there was none. ``opened`` is when the first event of the open one was
    received, ``size`` its bytes. ``closing`` are the members of the batch before it, until its run's start was sent.
    """

    number: int = 0
    members: Mapping[str, Member] = field(default_factory=lambda: MappingProxyType({}))
    opened: int | None = None
    size: int = 0
    closing: Mapping[str, Member] = field(default_factory=lambda: MappingProxyType({}))
    due: int | None = None

    def has(self, run_id: str) -> bool:
        """Return whether the event is in the open batch, or in the one that starts."""
        return run_id in self.members or run_id in self.closing
