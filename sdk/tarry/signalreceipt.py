"""The result of sending a signal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["SignalReceipt", "SignalStatus"]


class SignalStatus(StrEnum):
    """The result of sending a signal.

    Attributes:
        DELIVERED: A run's wait received the signal. If that wait loses its race at the same moment, the run's next
            wait for the name gets the signal.
        KEPT: No step waits yet. The next wait that begins within the ``keep`` time receives the signal at once.
        DUPLICATE: A signal of this name and id was sent before. This one changes nothing.
        NOBODY_WAITS: No step waits, and the signal was dropped. You may send it again under the same id.
    """

    DELIVERED = "delivered"
    KEPT = "kept"
    DUPLICATE = "duplicate"
    NOBODY_WAITS = "nobody waits"


@dataclass(frozen=True, slots=True)
class SignalReceipt:
    """The result of ``app.send_signal``.

    Attributes:
        status: What became of the signal.
        id: The signal's id, yours or a new one.
        run_id: The run that received the signal; for a duplicate, the run that received the first one.
        kept_until: Until when Tarry keeps the signal, in UTC.
    """

    status: SignalStatus
    id: str
    run_id: str | None = None
    kept_until: datetime | None = None
