"""Why an event started no run of a function whose trigger it fired."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NoRun", "Trace"]


class NoRun(StrEnum):
    """The option by which an event started no run."""

    IDEMPOTENCY = "idempotency"
    LIMITED = "rate_limit"
    DRAINING = "draining"
    DEBOUNCED = "debounce"
    BATCHED = "batch_events"
    WAITS = "in a window"
    SKIPPED = "singleton"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Trace:
    """What is stored in the place of the run that an event did not start. It never changes, so neither does the answer.

    What gathers events stores no trace: a receipt makes it of what is stored of the window.

    Attributes:
        run_id: The id that the run would have.
        function_id: The function.
        why: The option that decided.
        moment: When it was decided (Unix milliseconds); of an event that still waits, when it was received.
        free_at: When an event would have started a run again (Unix milliseconds), if that is known.
        by: The run because of which there is none, if there is one.
    """

    run_id: str
    function_id: str
    why: NoRun
    moment: int
    free_at: int | None = None
    by: str | None = None

    def __str__(self) -> str:
        match self.why:
            case NoRun.IDEMPOTENCY:
                return "another event with the same idempotency value had started a run"
            case NoRun.DRAINING:
                return "the function was draining (tarry drain): it started no runs then"
            case NoRun.LIMITED:
                return "rate_limit: as many events as it allows had started runs"
            case NoRun.DEBOUNCED:
                return "debounce: a later event of its window was the one to start a run"
            case NoRun.BATCHED:
                return "batch_events: it has started a run together with others"
            case NoRun.WAITS:
                return "it is in a window, which starts a run when it ends"
            case NoRun.SKIPPED:
                return f"singleton: another run ran, {self.by}"
            case NoRun.SUPERSEDED:
                return f"singleton: a later event had started a run, {self.by}"
