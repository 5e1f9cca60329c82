"""What looks like chance, and is the same again after a crash."""

from __future__ import annotations

import hashlib

__all__ = ["jitter"]


def jitter(*of: object) -> float:
    """From 0 to 1: always the same for the same run, step and attempt."""
    return hashlib.sha256("/".join(map(str, of)).encode()).digest()[0] / 255
