"""A replay that performs nothing: does a function still fit a run's stored steps?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.replay.engine import replay
from tarry_backend.replay.outcome import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Never

    from tarry.event import Event
    from tarry.function import Function
    from tarry_backend.model.step import Failure, InvokeRequest, Step, WaitRequest
    from tarry_backend.replay.replayed_run import Replayed

__all__ = ["dry_run"]


def dry_run(function: Function, run: Replayed, history: Iterable[Step]) -> Failure | None:
    """Replay the run up to its first step that has not ended; return why the function fails there, or ``None``.

    The function's own code and its middleware run, as at each replay. No step begins, and nothing is stored. A stored
    step with other arguments counts as a failure, whether the function is strict or not.
    """
    outcome = replay(replace(function, strict=True), run, history, _NoJournal())
    return outcome.error if isinstance(outcome, Failed) else None


class _NoJournal:
    """A journal whose invocation is always at its end. So replay begins no step."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def begins(self) -> int:
        return self.now()

    def out_of_time(self) -> bool:
        return True

    def has_room(self, span: int) -> bool:
        return False

    def time_left(self) -> tuple[int, int]:
        return 0, 0

    def is_cancelled(self) -> bool:
        return False

    def keep(self, step: Step) -> None:
        self._refuse(step.key)

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        self._refuse(step.key)

    def withdraw(self, step: Step) -> None:
        """The branch of an open step has lost a race. The run's next replay withdraws it."""

    def lose(self, step: Step) -> None:
        """A branch has lost a race. The run's next replay notes it."""

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        self._refuse(step.key)

    def open_signal(self, step: Step) -> Step:
        self._refuse(step.key)

    def send(self, events: Sequence[Event]) -> None:
        self._refuse("send")

    def _refuse(self, what: str) -> Never:
        raise AssertionError(f"step {what!r} began in a replay that performs nothing")
