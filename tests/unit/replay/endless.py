"""Code that goes on for ever, which is here: as long as its test. Else its threads would call on in later tests."""

import threading
from collections.abc import Callable

__all__ = ["end", "lasting"]

_over = threading.Event()


def lasting() -> Callable[[], bool]:
    """Whether the test that is under way now still is: ask it from any thread, at any later time."""
    over = _over
    return lambda: not over.is_set()


def end() -> None:
    """The test is over."""
    global _over
    _over.set()
    _over = threading.Event()
