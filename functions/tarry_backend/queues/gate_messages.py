"""The messages of gates, which limit how many runs are at work, and of what runs leave behind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Admit", "Admitted", "RemoveObjects"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """To the executor: a gate has granted the run a place, for which it waited.

    ``token`` is the grant's: SQS drops a message with the same one within five minutes, and not one of a second grant.
    ``due`` is when a timer woke the run, as in ``Wake``, or 0.
    """

    kind: ClassVar[str] = "admitted"
    run_id: str
    gate: str
    token: str
    due: int = 0


@dataclass(frozen=True, slots=True)
class Admit:
    """To the executor: admit the runs that wait at a gate, if there is room. The sweep brings it every five minutes."""

    kind: ClassVar[str] = "admit"
    gate: str
    due: int

    @property
    def run_id(self) -> str:
        """The message group: one admission of a gate at a time. A gate's name is too long for it."""
        return f"gate-{hashlib.sha256(self.gate.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class RemoveObjects:
    """To the executor: remove the objects of a run that ended long ago, if its item is gone."""

    kind: ClassVar[str] = "objects"
    run_id: str
