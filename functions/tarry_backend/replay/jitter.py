"""Deterministic jitter: the same at each replay."""

from __future__ import annotations

import hashlib

__all__ = ["jitter"]


def jitter(*of: object) -> float:
    """Return a number from 0 to 1, always the same for the same run, step and attempt."""
    return hashlib.sha256("/".join(map(str, of)).encode()).digest()[0] / 255
