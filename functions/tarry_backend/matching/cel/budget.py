"""How much work one question may make, so that no expression can hang a Lambda or fill its memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHARACTERS", "MAX_NESTED", "MAX_STEPS", "Budget", "StepsError"]

MAX_STEPS = 50_000
"""The most steps that one question may take: a comparison, a call, a macro, that is all which stands between
``&&``, ``||``, ``!`` and ``?:``. A question's steps depend on nothing beside it, so it has the same answer
wherever the index makes it be asked.

A turn of a macro takes two steps and one for each part of its body, an element or field of compared lists and maps one
step, a hundred characters one step. All steps of a question take some 20 ms at the worst.
"""

MAX_NESTED = 100
"""How deep a value may be nested that is compared."""

CHARACTERS = 100
"""So many characters are read, or elements looked through, in one step."""


class StepsError(Exception):
    """A question has used up its steps. Not a ``CelError``, which a macro might absorb."""


@dataclass(slots=True)
class Budget:
    """The steps that are left."""

    left: int = MAX_STEPS

    def take(self, number: int = 1) -> None:
        """``StepsError`` if there are not so many."""
        self.left -= number
        if self.left < 0:
            raise StepsError
