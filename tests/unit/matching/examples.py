"""How many examples the property tests go through."""

import os

from hypothesis import settings

__all__ = ["examples"]


def examples(usual: int) -> settings:
    """So many examples, the same at each run. ``TARRY_EXAMPLES=20000``: new ones, twenty times as many."""
    wanted = os.environ.get("TARRY_EXAMPLES")
    number = usual * int(wanted) // 1_000 if wanted else usual
    return settings(max_examples=number, deadline=None, derandomize=wanted is None, print_blob=True)
