"""The control of a function by people: it pauses, goes on, or has another limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.matching.gate_keys import pause_gate
from tarry_backend.queues.messages import Due
from tarry_backend.store.controls import HEEDED
from tarry_backend.store.due_index import GATE

if TYPE_CHECKING:
    from tarry_backend.model.control import Control
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["pause", "resume", "set_limit"]

_HEARD = HEEDED // 1000 + 5
"""After how many seconds every executor knows of a change."""


def pause(function_id: str, store: Store) -> Control:
    """Pause the function: within ten seconds, none of its runs is replayed. Their waits and deadlines go on."""
    return store.controls.pause(function_id)


def resume(function_id: str, store: Store, queues: Queues) -> Control:
    """Let the function go on: those of its runs that wait are admitted in their order."""
    return _after(store.controls.resume(function_id), function_id, queues)


def set_limit(function_id: str, limit: int | None, store: Store, queues: Queues) -> Control:
    """Give the function another limit, or its code's with ``None``."""
    return _after(store.controls.limit(function_id, limit), function_id, queues)


def _after(control: Control, function_id: str, queues: Queues) -> Control:
    """Have the gate looked at once every executor knows. The sweep would come within five minutes.

    person      resumed ── look, delayed ──────────────── look: grants
    executor             may know no better for HEEDED ── knows: takes the place
    """
    look = Due(pause_gate(function_id), None, GATE, now() + _HEARD * 1000)
    queues.send_to_timers([(look, _HEARD)])
    return control
