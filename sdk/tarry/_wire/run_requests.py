"""The events by which an app cancels or retries its own runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import CANCEL_RUN, RETRY_RUN, RUN_ID, STEP
from tarry.errors import UsageError
from tarry.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["cancellations", "retries"]

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def cancellations(run_ids: str | Iterable[str]) -> list[Event]:
    """Return the events that cancel these runs; raise ``UsageError`` for an invalid run id."""
    return [Event(CANCEL_RUN, {RUN_ID: run_id}) for run_id in _checked(run_ids)]


def retries(run_ids: str | Iterable[str], from_step: str | None) -> list[Event]:
    """Return the events that retry these runs; raise ``UsageError`` for an invalid run id or step."""
    step: object = from_step
    if step is not None and not isinstance(step, str):
        raise UsageError(f"from_step is {step!r}: give a step's id, or leave it out")
    also: dict[str, Any] = {} if step is None else {STEP: step}
    return [Event(RETRY_RUN, {RUN_ID: run_id, **also}) for run_id in _checked(run_ids)]


def _checked(run_ids: str | Iterable[str]) -> list[str]:
    wanted: list[Any] = [run_ids] if isinstance(run_ids, str) else list(run_ids)
    for run_id in wanted:
        if not isinstance(run_id, str) or not _ULID.fullmatch(run_id):
            raise UsageError(f"{run_id!r} is not a run id: a run id has 26 characters, as ctx.run_id has")
    return wanted
