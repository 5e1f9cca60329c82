"""The two dialects of expressions.

A function that your app declares has Tarry's own: the standard's semantics, in which a missing field is an error. A
function of an official Inngest SDK has Inngest's, in which a missing field counts as null.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["INNGEST", "TARRY", "Dialect"]

Dialect = Literal["tarry", "inngest"]
"""How an expression is evaluated."""

TARRY: Dialect = "tarry"
INNGEST: Dialect = "inngest"
