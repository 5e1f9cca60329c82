"""What the index of waits stores of a wait's expression: match keys, residuals and bindings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NAME_ONLY", "Alternative", "Shape"]

Shape = str
"""The paths of a key, as canonical JSON: ``[["data","userId"]]``. A shape that begins with ``*`` has no paths."""

NAME_ONLY: Shape = "*"
"""The shape of waits that the matcher finds by the event's name alone. ``*0``, ``*1`` and so on are its shards."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way in which a wait's expression becomes true.

    Attributes:
        shape: The paths of the key. With ``NAME_ONLY`` nothing could be indexed; the caller may choose a shard of it.
        key: The match key.
        residual: CEL over ``async`` and the names in ``bindings``; ``None`` if the key decides alone.
        bindings: The values of those names.
    """

    shape: Shape
    key: str
    residual: str | None = None
    bindings: Mapping[str, Any] = field(default_factory=dict)
