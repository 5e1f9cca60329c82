"""The budget of work for one question, so that no expression can hang a Lambda or fill its memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHARACTERS", "MAX_NESTED", "MAX_STEPS", "Budget", "StepsError", "steps_to_write"]

MAX_STEPS = 50_000
"""The most steps of one question.

A question is what stands between ``&&``, ``||``, ``!`` and ``?:``: a comparison, a call, a macro. Its steps depend on
nothing else, so its answer is the same wherever the index asks it.

A turn of a macro takes two steps, and one for each part of its body. An element or field of compared lists and maps
takes one step, and so do a hundred characters. All steps of a question take about 20 ms at worst.
"""

MAX_NESTED = 100
"""How deep a compared value may be nested."""

CHARACTERS = 100
"""How many characters are read, or elements searched, in one step."""


def steps_to_write(number: int) -> int:
    """The steps that an integer's decimal digits take: none below two hundred, then they grow with the square."""
    return (number.bit_length() // 332) ** 2 // 4


class StepsError(Exception):
    """A question has used up its steps. Not a ``CelError``, which a macro might absorb."""


@dataclass(slots=True)
class Budget:
    """The steps that are left."""

    left: int = MAX_STEPS

    def take(self, number: int = 1) -> None:
        """Take steps; raise ``StepsError`` if there are not enough left."""
        self.left -= number
        if self.left < 0:
            raise StepsError
