"""What people have asked of a function while it is deployed: to pause, to drain, or another limit than its code has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.model.control import Control
from tarry_backend.store.gate_items import ControlItem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.attributes import NumberAttribute
    from pynamodb.expressions.update import Action

    from tarry_backend.model.control import Limited
    from tarry_backend.store.table import Table

__all__ = ["HEEDED", "Controls"]

HEEDED = 10_000
"""How long, in milliseconds, a process trusts what it has read of a function's control."""

_SK = "control"

_LIMITS: Mapping[Limited, NumberAttribute] = {
    "concurrency": ControlItem.limit_now,
    "throttle": ControlItem.throttle_now,
    "rate_limit": ControlItem.rate_limit_now,
}


class Controls:
    """The controls of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read: dict[str, tuple[int, Control]] = {}

    def of(self, function_id: str) -> Control:
        """Return the function's control as it is now. One request."""
        item = self._table.get(ControlItem, _pk(function_id), _SK)
        control = Control() if item is None else _control(item)
        self._read[function_id] = (now(), control)
        return control

    def recent(self, function_id: str) -> Control:
        """Return the function's control as it was at most ten seconds ago, mostly without a request."""
        read = self._read.get(function_id)
        return read[1] if read and 0 <= now() - read[0] < HEEDED else self.of(function_id)

    def pause(self, function_id: str) -> Control:
        """Pause the function, unless it is paused."""
        return self._update(function_id, ControlItem.paused.set(ControlItem.paused | now()))

    def drain(self, function_id: str) -> Control:
        """Let the function start no run, unless it does so already."""
        return self._update(function_id, ControlItem.draining.set(ControlItem.draining | now()))

    def resume(self, function_id: str) -> Control:
        """Let the function go on, and start runs."""
        return self._update(function_id, ControlItem.paused.remove(), ControlItem.draining.remove())

    def limit(self, function_id: str, limit: int | None, of: Limited = "concurrency") -> Control:
        """Give the function another limit, or its code's with ``None``."""
        attribute = _LIMITS[of]
        return self._update(function_id, attribute.remove() if limit is None else attribute.set(limit))

    def _update(self, function_id: str, *actions: Action) -> Control:
        control = _control(self._table.update(ControlItem, _pk(function_id), _SK, list(actions)))
        self._read[function_id] = (now(), control)
        return control


def _pk(function_id: str) -> str:
    return f"fn#{function_id}"


def _control(item: ControlItem) -> Control:
    given = item.paused, item.limit_now, item.draining, item.throttle_now, item.rate_limit_now
    return Control(*(None if each is None else int(each) for each in given))
