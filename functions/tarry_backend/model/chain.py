"""A chain of runs: each but the last has handed over to its successor (``ctx.continue_as_new``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tarry_backend.model.position import Position

__all__ = ["Chain", "Inherited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a run's waits know from the runs before it in its chain. So no event falls between two runs.

    ``leaves`` and ``left_off`` are as in ``BranchPast``. ``had`` are the events, by name and position, that the runs
    before had and that a wait could still find. After the position ``guards`` events count for each ``Cancel``.
    """

    leaves: Position
    left_off: Mapping[str, Position]
    had: tuple[tuple[str, Position], ...]
    guards: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The place of a run in its chain: the first run, the run before, and which one it is, from 2.

    ``first`` is also the id by which the newest run of the chain is found.
    """

    first: str
    previous: str
    number: int
    inherited: Inherited

    def stored(self) -> str:
        """Return the place as JSON text."""
        own = self.inherited
        return json.dumps(
            {
                "first": self.first,
                "previous": self.previous,
                "number": self.number,
                "leaves": own.leaves.text(),
                "left_off": {name: each.text() for name, each in own.left_off.items()},
                "had": [[name, each.text()] for name, each in own.had],
                "guards": own.guards.text(),
            }
        )

    @classmethod
    def read(cls, text: str) -> Chain:
        """Return the place that ``stored`` wrote."""
        fields = json.loads(text)
        inherited = Inherited(
            leaves=Position.parse(fields["leaves"]),
            left_off={name: Position.parse(each) for name, each in fields["left_off"].items()},
            had=tuple((name, Position.parse(each)) for name, each in fields["had"]),
            guards=Position.parse(fields["guards"]),
        )
        return cls(first=fields["first"], previous=fields["previous"], number=fields["number"], inherited=inherited)
