"""What goes wrong while an expression is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry_backend.matching.cel.nodes import Node

__all__ = ["CelError"]

MAX_PROBLEM = 500
"""In characters."""


class CelError(Exception):
    """CEL's error value: ``&&``, ``||``, ``all`` and ``exists`` may absorb it, everything else hands it on.

    ``node`` is the innermost part of the expression that failed. From the middle of a long ``problem`` something
    is left out: it may quote a text of the event, and it is noted on the wait.
    """

    def __init__(self, problem: str, node: Node | None = None) -> None:
        if len(problem) > MAX_PROBLEM:
            problem = f"{problem[:100]} … {problem[-200:]}"
        super().__init__(problem)
        self.problem = problem
        self.node = node
