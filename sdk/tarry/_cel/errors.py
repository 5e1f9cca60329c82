"""The error of an expression's evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry._cel.nodes import Node

__all__ = ["CelError"]

MAX_PROBLEM = 500
"""The longest problem text, in characters."""


class CelError(Exception):
    """CEL's error value. ``&&``, ``||``, ``all`` and ``exists`` may absorb it; everything else passes it on.

    ``node`` is the innermost part of the expression that failed. The middle of a long ``problem`` is cut out: it may
    quote a text of the event, and it is stored on the wait.
    """

    def __init__(self, problem: str, node: Node | None = None) -> None:
        if len(problem) > MAX_PROBLEM:
            problem = f"{problem[:100]} … {problem[-200:]}"
        super().__init__(problem)
        self.problem = problem
        self.node = node
