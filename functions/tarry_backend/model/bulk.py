"""A bulk: many retries or reruns that one command drives."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bulk"]


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk as it is. ``ended`` says how it has ended; ``told`` is when it was last heard of (Unix milliseconds)."""

    id: str
    what: str
    began: int
    told: int
    total: int
    done: int
    is_stopped: bool
    ended: str | None
