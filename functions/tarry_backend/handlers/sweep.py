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
        _fire_crons_of_remote_apps()


def _fire_crons_of_remote_apps() -> None:
    parts = runtime()
    if parts.remote is not None:
        from tarry_backend.api.remote_crons import fire_crons  # only a stack with remote apps loads it

        fire_crons(parts.remote.directory, parts.store.remote_apps, parts.bus)


prepare("timers")
