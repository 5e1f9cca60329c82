"""The ranges of CEL's integers."""

from __future__ import annotations

__all__ = ["INT_MAX", "INT_MIN", "UINT_MAX"]

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
