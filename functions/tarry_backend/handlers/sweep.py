"""Entry point of the sweep: its schedule fires every minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.runtime import prepare, runtime
from tarry_backend.telemetry import logged, meter, published

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Put timers that are due soon, or overdue, into the timers queue."""
    with published():
        meter.count("Swept", runtime().timers.sweep())
        meter.count("Sweeps")


prepare("timers")
