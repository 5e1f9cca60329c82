"""The message to a run that a signal has reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Signalled"]


@dataclass(frozen=True, slots=True)
class Signalled:
    """To the executor: a waiting step received a signal."""

    kind: ClassVar[str] = "signalled"
    run_id: str
    step_key: str
