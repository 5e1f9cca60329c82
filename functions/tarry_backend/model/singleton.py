"""A singleton: the one run of a function, with one value of its key, that may run. As it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tarry_backend.model.token import new_token

if TYPE_CHECKING:
    from tarry_backend.model.position import Position

__all__ = ["Singleton"]


@dataclass(frozen=True, slots=True)
class Singleton:
    """Whose turn it is.

    Attributes:
        run_id: The run. Whether it still runs stands in its own item, so the singleton needs no lease.
        position: The position of the latest event that has started a run.
        after: The run that has to end before ``run_id`` begins; ``None`` if ``run_id`` may have begun.
        stamp: New at each change.
    """

    run_id: str
    position: Position
    after: str | None = None
    stamp: str = field(default_factory=new_token)
