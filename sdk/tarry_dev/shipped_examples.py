"""The folder of the examples: in the package, or in the clone from which it is run."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["EXAMPLES", "put_examples_on_path"]

_SHIPPED = Path(__file__).with_name("shipped")
"""The wheel has the examples in here, so that they are no package of their own in the user's environment."""

_PARENT = _SHIPPED if _SHIPPED.is_dir() else Path(__file__).parents[2]

EXAMPLES = _PARENT / "examples"
"""The folder with the examples and their files of events."""


def put_examples_on_path() -> None:
    """Make ``examples.onboarding`` importable, behind everything else: a package ``examples`` of the user's wins."""
    if str(_PARENT) not in sys.path:
        sys.path.append(str(_PARENT))
