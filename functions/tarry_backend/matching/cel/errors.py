"""What goes wrong while an expression is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry_backend.matching.cel.nodes import Node

__all__ = ["CelError"]


class CelError(Exception):
    """CEL's error value: ``&&``, ``||``, ``all`` and ``exists`` may absorb it, everything else hands it on.

    ``node`` is the innermost part of the expression that failed.
    """

    def __init__(self, problem: str, node: Node | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.node = node
