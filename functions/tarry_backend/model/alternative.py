"""What the index of waits has of a wait's expression: match keys, and what is left to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NAME_ONLY", "Alternative", "Shape"]

Shape = str
"""The paths of a key, as canonical JSON: ``[["data","userId"]]``. One that begins with ``*`` has no paths."""

NAME_ONLY: Shape = "*"
"""The shape of waits that only the event's name leads to. ``*0``, ``*1`` and so on are shards of it."""


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
