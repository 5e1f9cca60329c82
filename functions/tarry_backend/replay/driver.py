"""What drives a run whose function's code is not in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from tarry_backend.replay.engine import replay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry.function import Function
    from tarry_backend.model.step import Step
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Outcome
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["Driver", "drive"]


class Driver(ABC):
    """The handler of a function whose code runs elsewhere: it takes the place of ``replay``, by the same signature."""

    @abstractmethod
    def drive(
        self, function: Function, run: Replayed, history: Iterable[Step], journal: Journal, max_steps: int
    ) -> Outcome:
        """Let the function go on from its stored steps. An error of the journal is raised."""

    def __call__(self, _: object) -> object:
        """Refuse a call: the code is elsewhere."""
        raise TypeError("this function's code runs elsewhere; the executor drives it")


def drive(
    function: Function, run: Replayed, history: Iterable[Step], journal: Journal, max_steps: int = 1000
) -> Outcome:
    """Let a function go on from its stored steps: here, or by the driver of code that runs elsewhere."""
    goes_on = function.handler.drive if isinstance(function.handler, Driver) else replay
    return goes_on(function, run, history, journal, max_steps)
